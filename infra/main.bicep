// Everything that `azd up` makes, in the only order that has no cycle: what the server leans on, the roles of its
// identity there, the site without settings, the Entra app (whose redirect URI has the site's real host name), and
// last the settings, which name the app. docs/deploy.md says what each parameter is for.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('The azd environment: one installation, such as dev or prod.')
param environmentName string

@minLength(1)
@description('The region. Flex Consumption must be there: az functionapp list-flexconsumption-locations')
param location string

// Size and scale

@allowed([512, 2048, 4096])
@description('Memory of an instance. What is billed grows with it.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('No more instances than this, whatever comes.')
param maximumInstanceCount int = 40

@minValue(1)
@maxValue(1000)
@description('Requests that one instance takes at a time. Each open stream counts as one for as long as it is open.')
param httpConcurrency int = 500

@minValue(0)
@maxValue(20)
@description('Instances that always run, so that nobody waits for a cold start. They cost whether used or not.')
param alwaysReadyInstances int = 0

@allowed(['Standard_LRS', 'Standard_ZRS'])
@description('Whether the tables survive the loss of a zone. Not every region has Standard_ZRS.')
param storageSku string = 'Standard_LRS'

// Network and options that cost

@description('Storage and Key Vault on private endpoints, the app in a virtual network. Needs the provider Microsoft.App.')
param virtualNetwork bool = false

@description('Azure Managed Redis as the fast path between instances. Standing cost, many minutes to make.')
param redis bool = false

@description('Key Vault: nobody, not even an owner, can purge the keys for a week. Cannot be taken back.')
param purgeProtection bool = false

@description('Where alerts are sent. Empty: they show in the portal only.')
param alertEmail string = ''

// Entra

@description('A custom domain, such as https://mcp.example.com. Empty: the host name that Azure gives.')
param publicBaseUrl string = ''

@description('An app registration that somebody else has made (docs/deploy.md). Empty: one is made.')
param entraClientId string = ''

@description('Whose people may sign in: tenant ids separated by commas, or * for any. Empty: this tenant.')
param entraAllowedTenants string = ''

@description('An app role that everybody needs to sign in, such as Mcp.User.')
param requiredAppRole string = ''

@description('Some tenants ask every app registration for the id of a service in their service management.')
param serviceManagementReference string = ''

@description('Consent for everybody in the tenant. Whoever deploys must be allowed to give it.')
param adminConsent bool = false

@description('Object id of a person or group that gets the role Mcp.Admin.')
param adminObjectId string = ''

@description('Object id of a service principal or managed identity that gets the role Mcp.Publish.')
param publisherObjectId string = ''

// Settings of the server, by their own names; empty is the server's default (docs/operate.md)

@secure()
@description('REGISTERED_CLIENTS, as JSON. It may hold secrets: azd env set-secret REGISTERED_CLIENTS')
param registeredClients string = ''
param allowedOrigins string = ''
param accessTokenTtl string = ''
param refreshIdleTtl string = ''
param refreshMaxTtl string = ''
param streamLifetime string = ''
param rateLimitFactor string = ''
@description('CLIENT_ADDRESS_HEADER: the header that the front end overwrites with the caller\'s address. App Service\'s is client-ip')
param clientAddressHeader string = 'client-ip'
param otelTracesSamplerArg string = '1'
param entraAuthorityUrl string = ''
param graphBaseUrl string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { name: 'id-${token}', location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: { token: token, location: location, tags: tags }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    sku: storageSku
    publicAccess: !virtualNetwork
  }
}

module vault 'modules/key-vault.bicep' = {
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    purgeProtection: purgeProtection
    publicAccess: !virtualNetwork
    workspaceId: monitoring.outputs.workspaceId
  }
}

module cache 'modules/redis.bicep' = if (redis) {
  scope: group
  params: {
    name: 'redis-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    publicAccess: !virtualNetwork
  }
}

module network 'modules/network.bicep' = if (virtualNetwork) {
  scope: group
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
    storageAccountName: storage.outputs.name
    vaultName: vault.outputs.name
    redisName: redis ? cache!.outputs.name : ''
  }
}

module roles 'modules/roles.bicep' = {
  scope: group
  params: {
    principalId: identity.outputs.principalId
    storageAccountName: storage.outputs.name
    vaultName: vault.outputs.name
    keyName: vault.outputs.keyName
    applicationInsightsName: monitoring.outputs.applicationInsightsName
  }
}

module site 'modules/site.bicep' = {
  scope: group
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    subnetId: virtualNetwork ? network!.outputs.appSubnetId : ''
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    alwaysReadyInstances: alwaysReadyInstances
  }
  // The platform reads the package as the identity: without its role the first deployment fails now and then.
  dependsOn: [roles]
}

var baseUrl = empty(publicBaseUrl) ? 'https://${site.outputs.hostName}' : publicBaseUrl

module entraApp 'modules/entra-app.bicep' = if (empty(entraClientId)) {
  scope: group
  params: {
    uniqueName: 'entra-mcp-${token}'
    displayName: 'Entra MCP server (${environmentName})'
    tags: ['azd-env-name:${environmentName}', 'subscription:${subscription().subscriptionId}']
    baseUrl: baseUrl
    identityPrincipalId: identity.outputs.principalId
    signInAudience: empty(entraAllowedTenants) ? 'AzureADMyOrg' : 'AzureADMultipleOrgs'
    serviceManagementReference: serviceManagementReference
    adminConsent: adminConsent
    adminObjectId: adminObjectId
    publisherObjectId: publisherObjectId
  }
}

var clientId = empty(entraClientId) ? entraApp!.outputs.clientId : entraClientId

module settings 'modules/settings.bicep' = {
  scope: group
  params: {
    siteName: site.outputs.name
    identityClientId: identity.outputs.clientId
    storageAccountName: storage.outputs.name
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    publicBaseUrl: baseUrl
    entraTenantId: empty(entraAllowedTenants) ? tenant().tenantId : 'organizations'
    entraHomeTenantId: tenant().tenantId
    entraClientId: clientId
    entraAllowedTenants: entraAllowedTenants
    entraAuthorityUrl: entraAuthorityUrl
    graphBaseUrl: graphBaseUrl
    keyVaultKeyId: vault.outputs.keyId
    redisUrl: redis ? cache!.outputs.url : ''
    requiredAppRole: requiredAppRole
    registeredClients: registeredClients
    allowedOrigins: allowedOrigins
    accessTokenTtl: accessTokenTtl
    refreshIdleTtl: refreshIdleTtl
    refreshMaxTtl: refreshMaxTtl
    streamLifetime: streamLifetime
    rateLimitFactor: rateLimitFactor
    clientAddressHeader: clientAddressHeader
    otelTracesSamplerArg: otelTracesSamplerArg
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    storageAccountId: storage.outputs.id
    email: alertEmail
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    applicationInsightsId: monitoring.outputs.applicationInsightsId
  }
}

// azd keeps these in the environment. None may have the name of a variable in main.parameters.json, or the next run
// would take it for what somebody has set.
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = site.outputs.name
output MCP_SERVER_URL string = baseUrl
output MCP_ENTRA_APP_ID string = clientId
output MCP_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output MCP_KEY_VAULT_NAME string = vault.outputs.name
