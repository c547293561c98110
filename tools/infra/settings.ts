// Every setting there is, by who reads it and where it belongs. `check-settings.ts` holds these lists against
// shared/settings.ts, infra/modules/settings.bicep, local.settings.sample.json and docs/operate.md.

/** The server reads them. In Azure the Bicep writes each; on a developer's machine some have a value in the sample. */
export const PRODUCT = [
  "PUBLIC_BASE_URL",
  "ENTRA_TENANT_ID",
  "ENTRA_HOME_TENANT_ID",
  "ENTRA_CLIENT_ID",
  "ENTRA_ALLOWED_TENANTS",
  "ENTRA_AUTHORITY_URL",
  "GRAPH_BASE_URL",
  "AZURE_CLIENT_ID",
  "STORAGE_TABLE_ENDPOINT",
  "KEY_VAULT_KEY_ID",
  "REDIS_URL",
  "REQUIRED_APP_ROLE",
  "REGISTERED_CLIENTS",
  "ALLOWED_ORIGINS",
  "ACCESS_TOKEN_TTL",
  "REFRESH_IDLE_TTL",
  "REFRESH_MAX_TTL",
  "STREAM_LIFETIME",
  "RATE_LIMIT_FACTOR",
  "CLIENT_ADDRESS_HEADER",
  "APPLICATIONINSIGHTS_CONNECTION_STRING",
  "OTEL_TRACES_SAMPLER_ARG",
] as const;

/** The server reads them too, and they are secrets: only a developer's machine has them, and the Bicep never. */
export const DEVELOPMENT_ONLY = [
  "ENTRA_CLIENT_SECRET",
  "AzureWebJobsStorage",
  "LOCAL_KEY",
] as const;

/** The server reads what the platform has put there, and nobody else sets it. */
export const FROM_THE_PLATFORM = [
  "WEBSITE_SITE_NAME",
  "WEBSITE_POD_NAME",
  "CONTAINER_NAME",
] as const;

/** Only the Functions host reads them, and the last of those in Azure only the exporter of the telemetry. */
export const HOST_ONLY = {
  azure: [
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsDisableHomepage",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "OTEL_TRACES_SAMPLER",
    "APPLICATION_INSIGHTS_NO_STATSBEAT",
  ],
  // On Flex Consumption the first is refused.
  local: ["FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsDisableHomepage"],
} as const;
