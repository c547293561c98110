/** @typedef {import("./azd-session.mjs").Call} Call */

/**
 * The app registrations of an environment. There is one, or none; `infra/modules/entra-app.bicep` writes the tags.
 *
 * @param {Call} graph
 * @param {"applications" | "directory/deletedItems/microsoft.graph.application"} collection
 * @param {{ name: string, subscription: string }} environment
 * @returns {Promise<string[]>} Their object ids.
 * @throws {Error} Where Graph does not answer the question.
 */
export async function appRegistrations(graph, collection, { name, subscription }) {
  const filter = encodeURIComponent(`displayName eq 'Entra MCP server (${name})'`);
  const path = `/${collection}?$filter=${filter}&$select=id,tags&$count=true&$top=100`;
  const { status, body } = await graph(path);
  const found = /** @type {{ value?: { id: string, tags?: string[] }[] } | undefined} */ (body);
  if (status !== 200 || found?.value === undefined) throw new Error(`Graph answered ${status}`);
  const tags = [`azd-env-name:${name}`, `subscription:${subscription}`];
  return found.value
    .filter((app) => tags.every((tag) => app.tags?.includes(tag)))
    .map(({ id }) => id);
}
