// What somebody should be told. The queries are files of their own, so that the check can hold them against the
// events that the server writes, and so that they can be tried in the portal as they are.
param token string
param location string
param tags object
param applicationInsightsId string
param storageAccountId string
param email string

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'entra-mcp'
    emailReceivers: [{ name: 'operator', emailAddress: email, useCommonAlertSchema: true }]
  }
}

var rules = [
  {
    name: 'server-errors'
    title: 'Requests fail'
    severity: 1
    window: 'PT15M'
    query: loadTextContent('../queries/alert-server-errors.kql')
  }
  {
    name: 'sign-in-failures'
    title: 'People cannot sign in'
    severity: 1
    window: 'PT30M'
    query: loadTextContent('../queries/alert-sign-in-failures.kql')
  }
  {
    name: 'replays'
    title: 'A code or a refresh token was used twice'
    severity: 2
    window: 'PT15M'
    query: loadTextContent('../queries/alert-replays.kql')
  }
  {
    name: 'relay-lag'
    title: 'Messages between instances are late'
    severity: 2
    window: 'PT15M'
    query: loadTextContent('../queries/alert-relay-lag.kql')
  }
  {
    name: 'maintenance'
    title: 'The maintenance fails'
    severity: 2
    window: 'PT6H'
    query: loadTextContent('../queries/alert-maintenance.kql')
  }
]

resource alert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: 'alert-${rule.name}-${token}'
    location: location
    tags: tags
    properties: {
      displayName: rule.title
      severity: rule.severity
      enabled: true
      scopes: [applicationInsightsId]
      evaluationFrequency: rule.window == 'PT6H' ? 'PT1H' : 'PT5M'
      windowSize: rule.window
      // A new workspace does not know its tables until something was written there.
      skipQueryValidation: true
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: empty(email) ? [] : [people.id] }
    }
  }
]

// Above 2,000 operations a second on one partition, or 20,000 on the account, the table service says no.
resource throttled 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'alert-storage-throttled-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'The table service refuses operations for there are too many'
    severity: 2
    enabled: true
    scopes: ['${storageAccountId}/tableServices/default']
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'throttled'
          metricNamespace: 'Microsoft.Storage/storageAccounts/tableServices'
          metricName: 'Transactions'
          dimensions: [
            {
              name: 'ResponseType'
              operator: 'Include'
              values: ['ClientThrottlingError', 'ServerBusyError', 'SuccessWithThrottling']
            }
          ]
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 10
        }
      ]
    }
    actions: empty(email) ? [] : [{ actionGroupId: people.id }]
  }
}
