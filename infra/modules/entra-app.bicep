// The app registration: who the server is to the people who sign in. It has no secret and no certificate: the
// managed identity's token is its only credential.
extension microsoftGraphV1

@description('The key by which a deployment finds the app again. It never changes.')
param uniqueName string
param displayName string
param tags string[]
param baseUrl string
param identityPrincipalId string
param signInAudience string
param serviceManagementReference string
param adminConsent bool
param adminObjectId string
param publisherObjectId string

var microsoftGraph = '00000003-0000-0000-c000-000000000000'

// What may be asked of people. It grants nothing: each person consents, or an administrator for all.
var delegated = [
  { name: 'openid', id: '37f7f235-527c-4136-accd-4a02d197296e' }
  { name: 'profile', id: '14dad69e-099b-42c9-810b-d002981feec1' }
  { name: 'offline_access', id: '7427e0e9-2fba-42fe-b0c0-848c9e6a8182' }
  { name: 'User.Read', id: 'e1fe6dd8-ba31-4d61-89e7-88639da4683d' }
  { name: 'Calendars.Read', id: '465a38f9-76ea-45b9-9f34-9e8b0d4b0b42' }
]

var userRole = guid('entra-mcp', 'Mcp.User')
var adminRole = guid('entra-mcp', 'Mcp.Admin')
var publishRole = guid('entra-mcp', 'Mcp.Publish')

resource app 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  tags: tags
  signInAudience: signInAudience
  serviceManagementReference: empty(serviceManagementReference) ? null : serviceManagementReference
  web: {
    homePageUrl: baseUrl
    // Of the type web: one of the type spa would cap refresh tokens at 24 hours.
    redirectUris: ['${baseUrl}/callback']
    implicitGrantSettings: { enableAccessTokenIssuance: false, enableIdTokenIssuance: false }
  }
  api: { requestedAccessTokenVersion: 2 }
  // Tells an app's token from a person's, where other systems publish.
  optionalClaims: { accessToken: [{ name: 'idtyp' }] }
  requiredResourceAccess: [
    {
      resourceAppId: microsoftGraph
      resourceAccess: [for scope in delegated: { id: scope.id, type: 'Scope' }]
    }
  ]
  appRoles: [
    {
      id: userRole
      value: 'Mcp.User'
      displayName: 'User'
      description: 'May sign in, where the server asks for this role.'
      allowedMemberTypes: ['User']
      isEnabled: true
    }
    {
      id: adminRole
      value: 'Mcp.Admin'
      displayName: 'Administrator'
      description: 'May see and end the sessions of others.'
      allowedMemberTypes: ['User']
      isEnabled: true
    }
    {
      id: publishRole
      value: 'Mcp.Publish'
      displayName: 'Publisher'
      description: 'May publish the values of feeds.'
      allowedMemberTypes: ['Application']
      isEnabled: true
    }
  ]
  // Nobody adds a credential of their own to the service principal in another tenant.
  servicePrincipalLockConfiguration: { isEnabled: true, allProperties: true }

  resource managedIdentity 'federatedIdentityCredentials@v1.0' = {
    name: '${app.uniqueName}/managed-identity'
    description: 'The user-assigned identity of the function app'
    issuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
    subject: identityPrincipalId
    audiences: ['api://AzureADTokenExchange']
  }
}

resource servicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: app.appId
}

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = if (adminConsent) {
  appId: microsoftGraph
}

resource consent 'Microsoft.Graph/oauth2PermissionGrants@v1.0' = if (adminConsent) {
  clientId: servicePrincipal.id
  consentType: 'AllPrincipals'
  resourceId: graph!.id
  scope: join(map(delegated, scope => scope.name), ' ')
}

resource admin 'Microsoft.Graph/appRoleAssignedTo@v1.0' = if (!empty(adminObjectId)) {
  appRoleId: adminRole
  principalId: adminObjectId
  resourceId: servicePrincipal.id
}

resource publisher 'Microsoft.Graph/appRoleAssignedTo@v1.0' = if (!empty(publisherObjectId)) {
  appRoleId: publishRole
  principalId: publisherObjectId
  resourceId: servicePrincipal.id
}

output clientId string = app.appId
