/**
 * What azd tells its hooks about the environment.
 *
 * @param {Readonly<Record<string, string | undefined>>} env
 */
export function azdEnvironment(env) {
  return {
    name: env["AZURE_ENV_NAME"] ?? "",
    subscription: env["AZURE_SUBSCRIPTION_ID"] ?? "",
    location: env["AZURE_LOCATION"] ?? "",
    serverUrl: env["MCP_SERVER_URL"] ?? "",
    virtualNetwork: env["VIRTUAL_NETWORK"]?.toLowerCase() === "true",
    /** Somebody else has made the app registration: it is not ours to look for or to delete. */
    ownApp: (env["ENTRA_CLIENT_ID"] ?? "") === "",
  };
}

/** @typedef {ReturnType<typeof azdEnvironment>} AzdEnvironment */
