// The app inside, storage and vault reachable from inside only. The app itself stays public: clients call it.
param name string
param location string
param tags object
param storageAccountName string
param vaultName string
@description('Empty where there is no Redis.')
param redisName string

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageAccountName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.0.0.0/24'
          delegations: [
            // Flex Consumption's, not Microsoft.Web's.
            { name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: { addressPrefix: '10.0.1.0/24', privateEndpointNetworkPolicies: 'Disabled' }
      }
    ]
  }

  resource app 'subnets' existing = {
    name: 'app'
  }

  resource endpoints 'subnets' existing = {
    name: 'endpoints'
  }
}

var storageSuffix = environment().suffixes.storage
var targets = concat(
  [
    { group: 'blob', id: account.id, zone: 'privatelink.blob.${storageSuffix}' }
    { group: 'queue', id: account.id, zone: 'privatelink.queue.${storageSuffix}' }
    { group: 'table', id: account.id, zone: 'privatelink.table.${storageSuffix}' }
    { group: 'vault', id: vault.id, zone: 'privatelink.vaultcore.azure.net' }
  ],
  empty(redisName)
    ? []
    : [
        {
          group: 'redisEnterprise'
          id: resourceId('Microsoft.Cache/redisEnterprise', redisName)
          zone: 'privatelink.redis.azure.net'
        }
      ]
)

module endpoints 'private-endpoint.bicep' = [
  for target in targets: {
    params: {
      name: '${name}-${target.group}'
      location: location
      tags: tags
      group: target.group
      targetId: target.id
      zone: target.zone
      networkId: network.id
      subnetId: network::endpoints.id
    }
  }
]

output appSubnetId string = network::app.id
