// Azure Managed Redis, the fast path between instances. No access key exists: the identity signs in with a token.
param name string
param location string
param tags object
param principalId string
param publicAccess bool

var port = 10000

resource cluster 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Balanced_B0' }
  properties: {
    minimumTlsVersion: '1.2'
    highAvailability: 'Enabled'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: cluster
  name: 'default'
  properties: {
    clientProtocol: 'Encrypted'
    port: port
    // The default policy needs a client that knows clusters.
    clusteringPolicy: 'EnterpriseCluster'
    // The default throws away keys that have an expiry, and every stream of ours has one.
    evictionPolicy: 'NoEviction'
    accessKeysAuthentication: 'Disabled'
  }
}

// Not a role assignment: the data plane has its own.
resource access 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = {
  parent: database
  name: 'server'
  properties: { accessPolicyName: 'default', user: { objectId: principalId } }
}

output name string = cluster.name
output url string = 'rediss://${cluster.properties.hostName}:${port}'
