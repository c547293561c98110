// Everything that the server and its host read. Writing it replaces the whole set, so nothing is set elsewhere; an
// empty value counts as absent. tools/infra/settings.ts lists the names, and the check compares.
param siteName string
param identityClientId string
param storageAccountName string
param applicationInsightsName string
param publicBaseUrl string
param entraTenantId string
param entraHomeTenantId string
param entraClientId string
param entraAllowedTenants string
param entraAuthorityUrl string
param graphBaseUrl string
param keyVaultKeyId string
param redisUrl string
param requiredAppRole string
@secure()
param registeredClients string
param allowedOrigins string
param accessTokenTtl string
param refreshIdleTtl string
param refreshMaxTtl string
param streamLifetime string
param rateLimitFactor string
param clientAddressHeader string
param otelTracesSamplerArg string

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageAccountName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: siteName
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'appsettings'
  properties: {
    // The server's
    PUBLIC_BASE_URL: publicBaseUrl
    ENTRA_TENANT_ID: entraTenantId
    ENTRA_HOME_TENANT_ID: entraHomeTenantId
    ENTRA_CLIENT_ID: entraClientId
    ENTRA_ALLOWED_TENANTS: entraAllowedTenants
    ENTRA_AUTHORITY_URL: entraAuthorityUrl
    GRAPH_BASE_URL: graphBaseUrl
    AZURE_CLIENT_ID: identityClientId
    STORAGE_TABLE_ENDPOINT: account.properties.primaryEndpoints.table
    KEY_VAULT_KEY_ID: keyVaultKeyId
    REDIS_URL: redisUrl
    REQUIRED_APP_ROLE: requiredAppRole
    REGISTERED_CLIENTS: registeredClients
    ALLOWED_ORIGINS: allowedOrigins
    ACCESS_TOKEN_TTL: accessTokenTtl
    REFRESH_IDLE_TTL: refreshIdleTtl
    REFRESH_MAX_TTL: refreshMaxTtl
    STREAM_LIFETIME: streamLifetime
    RATE_LIMIT_FACTOR: rateLimitFactor
    CLIENT_ADDRESS_HEADER: clientAddressHeader
    APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
    OTEL_TRACES_SAMPLER_ARG: otelTracesSamplerArg

    // The Functions host's own
    AzureWebJobsStorage__blobServiceUri: account.properties.primaryEndpoints.blob
    AzureWebJobsStorage__queueServiceUri: account.properties.primaryEndpoints.queue
    AzureWebJobsStorage__tableServiceUri: account.properties.primaryEndpoints.table
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    AzureWebJobsDisableHomepage: 'true'
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    // The share that it keeps is the server's OTEL_TRACES_SAMPLER_ARG: both keep the same traces.
    OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage'

    // The exporter would report on itself to Microsoft.
    APPLICATION_INSIGHTS_NO_STATSBEAT: 'true'
  }
}
