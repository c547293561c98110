import { appRegistrations } from "./app-registration.mjs";

/**
 * Deletes the app registration of an environment. It is not in the resource group, so `azd down` leaves it.
 *
 * @param {import("./environment.mjs").AzdEnvironment} environment
 * @param {import("./azd-session.mjs").Call} graph
 * @returns {Promise<string>} What was done.
 */
export async function removeAppRegistration(environment, graph) {
  if (!environment.ownApp) return "The app registration is not this deployment's, and stays.";
  const ids = await appRegistrations(graph, "applications", environment);
  for (const id of ids) {
    const { status } = await graph(`/applications/${id}`, "DELETE");
    if (status !== 204) throw new Error(`Graph answered ${status} to the deletion of ${id}`);
  }
  if (ids.length === 0) return "There is no app registration of this environment.";
  return "The app registration was deleted. For 30 days it can be restored: the next azd up says how.";
}
