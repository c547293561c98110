import { appRegistrations } from "./app-registration.mjs";
import { NotSignedIn } from "./azd-session.mjs";

/**
 * @typedef {import("./azd-session.mjs").Management} Management
 * @typedef {import("./environment.mjs").AzdEnvironment} AzdEnvironment
 * @typedef {{ properties: { location?: string, tags?: Record<string, string>, purgeProtectionEnabled?: boolean }, name: string }} DeletedVault
 */

/**
 * Looks for what makes a deployment fail half-way, with a message that nobody understands.
 *
 * @param {AzdEnvironment} environment
 * @param {Management} management
 * @returns {Promise<{ problems: string[], notes: string[] }>} What must be done first, and what could not be looked at.
 */
export async function checkBeforeProvisioning(environment, { arm, graph }) {
  const checks = [
    { what: "registered resource providers", run: () => provider(arm, environment) },
    { what: "deleted key vaults", run: () => deletedVault(arm, environment) },
    { what: "deleted app registrations", run: () => deletedApp(graph, environment) },
  ];
  const problems = [];
  const notes = [];
  for (const { what, run } of checks) {
    try {
      const problem = await run();
      if (problem !== undefined) problems.push(problem);
    } catch (error) {
      if (error instanceof NotSignedIn) {
        return { problems: ["Nobody is signed in:\n  azd auth login"], notes: [] };
      }
      notes.push(
        `Could not look for ${what}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return { problems, notes };
}

/**
 * The deployment registers by itself what its resources belong to. This one belongs to none of them.
 *
 * @param {import("./azd-session.mjs").Call} arm
 * @param {AzdEnvironment} environment
 */
async function provider(arm, { subscription, virtualNetwork }) {
  if (!virtualNetwork) return undefined;
  const path = `/subscriptions/${subscription}/providers/Microsoft.App?api-version=2021-04-01`;
  const { status, body } = await arm(path);
  if (status !== 200) throw new Error(`Azure answered ${status}`);
  const { registrationState } = /** @type {{ registrationState?: string }} */ (body);
  if (registrationState === "Registered") return undefined;
  return `The virtual network needs the resource provider Microsoft.App:
  az provider register --namespace Microsoft.App --wait`;
}

/**
 * A vault's name stays taken while it can be recovered, and the deployment does not recover it.
 *
 * @param {import("./azd-session.mjs").Call} arm
 * @param {AzdEnvironment} environment
 */
async function deletedVault(arm, { subscription, name, location }) {
  const path = `/subscriptions/${subscription}/providers/Microsoft.KeyVault/deletedVaults?api-version=2024-11-01`;
  const { status, body } = await arm(path);
  if (status !== 200) throw new Error(`Azure answered ${status}`);
  const { value } = /** @type {{ value: DeletedVault[] }} */ (body);
  const vault = value.find(
    ({ properties }) =>
      properties.tags?.["azd-env-name"] === name && properties.location === location,
  );
  if (vault === undefined) return undefined;
  const recover = `  az group create --name rg-${name} --location ${location}
  az keyvault recover --name ${vault.name} --location ${location}`;
  const purge = `  az keyvault purge --name ${vault.name} --location ${location}`;
  return `The key vault of this environment was deleted, and its name is taken until it is recovered or gone.
To go on with its keys, and so with what the tables hold:
${recover}
${vault.properties.purgeProtectionEnabled === true ? "It cannot be purged: purge protection is on." : `To start with new keys:\n${purge}`}`;
}

/**
 * A deleted app registration keeps its unique name for 30 days.
 *
 * @param {import("./azd-session.mjs").Call} graph
 * @param {AzdEnvironment} environment
 */
async function deletedApp(graph, environment) {
  if (!environment.ownApp) return undefined;
  const [id] = await appRegistrations(
    graph,
    "directory/deletedItems/microsoft.graph.application",
    environment,
  );
  if (id === undefined) return undefined;
  const url = `https://graph.microsoft.com/v1.0/directory/deletedItems/${id}`;
  return `The app registration of this environment was deleted, and its unique name is taken for 30 days.
To have it back, with the consents that people gave:
  az rest --method post --url ${url}/restore
To start with a new one:
  az rest --method delete --url ${url}`;
}
