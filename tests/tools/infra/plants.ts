// Faults to plant into a copy of the project: what, in which file, what is replaced by what, and what must be found.

const SITE = "infra/modules/site.bicep";
const SETTINGS = "infra/modules/settings.bicep";
const STORAGE = "infra/modules/storage.bicep";
const ROLES = "infra/modules/roles.bicep";
const ENTRA_APP = "infra/modules/entra-app.bicep";
const MAIN = "infra/main.bicep";
const PARAMETERS = "infra/main.parameters.json";

/** A fault, and what the check says of it. */
export type Plant = [
  what: string,
  file: string,
  before: string | RegExp,
  after: string,
  found: RegExp,
];

export const IN_RESOURCES: Plant[] = [
  ["a misspelt property", SITE, "httpsOnly", "httpOnly", /no property httpOnly/],
  ["one deep inside", SITE, "perInstanceConcurrency", "perInstanceConcurency", /no property perIn/],
  [
    "a property in the wrong place",
    SITE,
    "properties: { reserved",
    "sku2: { reserved",
    /no property sku2/,
  ],
  ["a wrong value of an enumeration", STORAGE, "'TLS1_2'", "'TLS1.2'", /one of TLS1_0, TLS1_1/],
  ["one behind a condition", STORAGE, "'Allow' : 'Deny'", "'Allow' : 'Block'", /cannot be Block/],
  ["a text in place of a truth", SITE, "httpsOnly: true", "httpsOnly: 'true'", /of type bool/],
  [
    "one thing in place of a list",
    "infra/modules/key-vault.bicep",
    "['wrapKey', 'unwrapKey']",
    "'wrapKey'",
    /is a list/,
  ],
  ["a missing property", STORAGE, "  sku: { name: sku }\n", "", /needs the property sku/],
  ["another API version", SITE, /sites@2024-11-01/, "sites@2020-01-01", /checked at 2024-11-01/],
  [
    "a type that there is not",
    SITE,
    "Microsoft.Web/serverfarms@",
    "Microsoft.Web/serverFarm@",
    /is not known/,
  ],
  [
    "another kind of setting",
    SETTINGS,
    "name: 'appsettings'",
    "name: 'appSettings'",
    /name cannot be appSettings/,
  ],
];

export const IN_NAMES: Plant[] = [
  [
    "a parameter that is missing",
    MAIN,
    "    purgeProtection: purgeProtection\n",
    "",
    /needs the parameter purgeProtection/,
  ],
  [
    "a parameter that there is not",
    MAIN,
    "sku: storageSku",
    "sku: storageSku\n    tier: 'Hot'",
    /has no parameter tier/,
  ],
  [
    "an output that there is not",
    MAIN,
    "storage.outputs.name",
    "storage.outputs.title",
    /has no output title/,
  ],
  [
    "a parameter in another's place",
    MAIN,
    "refreshIdleTtl: refreshIdleTtl",
    "refreshIdleTtl: refreshMaxTtl",
    /given refreshMaxTtl as refreshIdleTtl/,
  ],
  [
    "a module that there is not",
    MAIN,
    "modules/redis.bicep",
    "modules/cache.bicep",
    /no infra\/modules\/cache/,
  ],
  [
    "a name that nobody declared",
    SITE,
    "serverFarmId: plan.id",
    "serverFarmId: farm.id",
    /farm is not declared/,
  ],
  [
    "one in a text",
    "infra/modules/network.bicep",
    "${name}-${target.group}",
    "${name}-${goal.group}",
    /goal is not declared/,
  ],
  ["a function that there is not", ROLES, "guid(account.id", "uuid(account.id", /no function uuid/],
  [
    "a parameter that nothing uses",
    SITE,
    "param name string",
    "param name string\nparam spare string = ''",
    /nothing uses the parameter spare/,
  ],
  [
    "a query that there is not",
    "infra/modules/workbook.bicep",
    "queries/tools.kql",
    "queries/tool.kql",
    /no infra\/queries\/tool\.kql/,
  ],
  ["what does not parse", SITE, "httpsOnly: true", "httpsOnly: true,,", /does not parse/],
];

export const IN_IDS: Plant[] = [
  [
    "a wrong role id",
    ROLES,
    "0a9a7e1f-b9d0",
    "0a9a7e1f-b9d1",
    /tableDataContributor is 0a9a7e1f-b9d0/,
  ],
  [
    "the id of another role",
    ROLES,
    /(tableDataContributor = )'[^']+'/,
    "$1'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'",
    /tableDataContributor is/,
  ],
  ["an id that nobody knows", ROLES, "var blobDataOwner", "var owner", /nobody knows b7e6dc6d/],
  [
    "an assignment named after another role",
    ROLES,
    "guid(account.id, principalId, tableDataContributor)",
    "guid(account.id, principalId, blobDataOwner)",
    /name it guid/,
  ],
  ["a wrong Graph permission", ENTRA_APP, "465a38f9", "465a38f8", /Calendars\.Read is 465a38f9/],
  [
    "a permission that is missing",
    ENTRA_APP,
    / *\{ name: 'User\.Read'.*\n/,
    "",
    /does not ask for User\.Read/,
  ],
  [
    "a permission too many",
    ENTRA_APP,
    "{ name: 'openid'",
    "{ name: 'Mail.Read', id: '37f7f235-527c-4136-accd-4a02d197296f' }\n  { name: 'openid'",
    /asks for Mail\.Read/,
  ],
  [
    "an app role that the code does not know",
    ENTRA_APP,
    "value: 'Mcp.Admin'",
    "value: 'Mcp.Administrator'",
    /has no role Mcp\.Admin/,
  ],
  [
    "another audience",
    ENTRA_APP,
    "api://AzureADTokenExchange",
    "api://AzureADTokenexchange",
    /audience is/,
  ],
];

export const IN_SETTINGS: Plant[] = [
  [
    "a setting that nobody reads",
    SETTINGS,
    "    PUBLIC_BASE_URL",
    "    BASE_URL: ''\n    PUBLIC_BASE_URL",
    /BASE_URL does not belong/,
  ],
  [
    "a setting with another's value",
    SETTINGS,
    "REFRESH_IDLE_TTL: refreshIdleTtl",
    "REFRESH_IDLE_TTL: refreshMaxTtl",
    /given REFRESH_MAX_TTL's value/,
  ],
  [
    "a setting that is not written",
    SETTINGS,
    /^ *KEY_VAULT_KEY_ID.*\n/m,
    "",
    /KEY_VAULT_KEY_ID is not written/,
  ],
  [
    "a development setting in Azure",
    SETTINGS,
    "    PUBLIC_BASE_URL",
    "    LOCAL_KEY: ''\n    PUBLIC_BASE_URL",
    /LOCAL_KEY does not belong/,
  ],
  [
    "a setting of the host that is misspelt",
    SETTINGS,
    "Storage__credential",
    "Storage__credentials",
    /credential is not written/,
  ],
  [
    "a setting that is not described",
    "docs/operate.md",
    /^\| `LOCAL_KEY`.*\n/m,
    "",
    /LOCAL_KEY is not described/,
  ],
  [
    "a development setting without a value",
    "local.settings.sample.json",
    /.*"LOCAL_KEY".*\n/,
    '"X": ""\n',
    /LOCAL_KEY is not written/,
  ],
];

export const IN_AZD: Plant[] = [
  [
    "a time after which the host ends every stream",
    "host.json",
    '"functionTimeout": "-1"',
    '"functionTimeout": "00:30:00"',
    /functionTimeout/,
  ],
  [
    "a variable that is not described",
    "docs/deploy.md",
    /`HTTP_CONCURRENCY`/g,
    "`CONCURRENCY`",
    /what HTTP_CONCURRENCY is for/,
  ],
  [
    "a parameter without a variable",
    PARAMETERS,
    /.*"storageSku".*\n/,
    "",
    /no variable sets the parameter storageSku/,
  ],
  [
    "a variable without a parameter",
    PARAMETERS,
    '"storageSku"',
    '"storageKind"',
    /has no parameter storageKind/,
  ],
  [
    "another default",
    PARAMETERS,
    "COUNT=40",
    "COUNT=400",
    /maximumInstanceCount is 40 in the Bicep/,
  ],
  [
    "a default that azd would have to ask for",
    PARAMETERS,
    "REDIS=false",
    "REDIS",
    /redis is false in the Bicep/,
  ],
  [
    "an output that comes back as a parameter",
    MAIN,
    "output MCP_ENTRA_APP_ID",
    "output ENTRA_CLIENT_ID",
    /would come back as the parameter/,
  ],
  [
    "a service that azd cannot find",
    SITE,
    "'azd-service-name': 'mcp'",
    "'azd-service-name': 'web'",
    /azd-service-name: mcp/,
  ],
  ["a remote build", "azure.yaml", "remoteBuild: false", "remoteBuild: true", /remoteBuild/],
  [
    "a hook that there is not",
    "azure.yaml",
    "hooks/postdown.mjs",
    "hooks/cleanup.mjs",
    /no infra\/hooks\/cleanup/,
  ],
  [
    "a package that azd refuses",
    ".funcignore",
    "tests/",
    "tests/\nnode_modules/",
    /names node_modules/,
  ],
  [
    "a variable that nobody sets",
    "infra/hooks/environment.mjs",
    "MCP_SERVER_URL",
    "SERVER_URL",
    /nobody sets SERVER_URL/,
  ],
];

export const IN_QUERIES: Plant[] = [
  [
    "an event that nobody writes",
    "infra/queries/alert-replays.kql",
    "code-replayed",
    "code-reused",
    /audit event code-reused/,
  ],
  [
    "a field that an event has not",
    "infra/queries/tools.kql",
    "a.tool)",
    "a.toolName)",
    /no field toolName/,
  ],
  [
    "a metric that nobody counts",
    "infra/queries/alert-relay-lag.kql",
    "mcp.relay.lag",
    "mcp.relay_lag",
    /nothing counts mcp\.relay_lag/,
  ],
  [
    "a query in the docs",
    "docs/operate.md",
    'audit == "sign-in"',
    'audit == "signin"',
    /audit event signin/,
  ],
  [
    "a query that nothing uses",
    "infra/modules/workbook.bicep",
    /.*clients\.kql.*\n/,
    "",
    /nothing uses it/,
  ],
];
