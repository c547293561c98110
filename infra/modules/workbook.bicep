// The audit events and the metrics on one page, under Workbooks of the Application Insights resource.
param location string
param tags object
param applicationInsightsId string

var panels = [
  { title: 'Sign-ins', chart: 'barchart', query: loadTextContent('../queries/sign-ins.kql') }
  { title: 'Tokens', chart: 'timechart', query: loadTextContent('../queries/tokens.kql') }
  { title: 'Tools', chart: 'table', query: loadTextContent('../queries/tools.kql') }
  { title: 'Streams', chart: 'timechart', query: loadTextContent('../queries/streams.kql') }
  { title: 'Clients', chart: 'table', query: loadTextContent('../queries/clients.kql') }
  { title: 'Sessions and keys', chart: 'table', query: loadTextContent('../queries/sessions.kql') }
  { title: 'Metrics', chart: 'table', query: loadTextContent('../queries/metrics.kql') }
]

var content = {
  version: 'Notebook/1.0'
  fallbackResourceIds: [applicationInsightsId]
  items: concat(
    [
      {
        type: 9
        name: 'parameters'
        content: {
          version: 'KqlParameterItem/1.0'
          parameters: [
            {
              id: guid('entra-mcp', 'workbook', 'range')
              version: 'KqlParameterItem/1.0'
              name: 'range'
              label: 'Time range'
              type: 4
              isRequired: true
              value: { durationMs: 86400000 }
              typeSettings: {
                selectableValues: [
                  { durationMs: 3600000 }
                  { durationMs: 86400000 }
                  { durationMs: 604800000 }
                  { durationMs: 2592000000 }
                ]
              }
            }
          ]
        }
      }
    ],
    map(panels, panel => {
      type: 3
      name: panel.title
      content: {
        version: 'KqlItem/1.0'
        title: panel.title
        query: panel.query
        queryType: 0
        resourceType: 'microsoft.insights/components'
        visualization: panel.chart
        timeContextFromParameter: 'range'
      }
    })
  )
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  // A workbook's name is a GUID.
  name: guid(applicationInsightsId, 'entra-mcp')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Entra MCP server'
    category: 'workbook'
    sourceId: applicationInsightsId
    serializedData: string(content)
  }
}
