import type { Features, Prompt, Resource, ResourceTemplate, Tool } from "../features/feature.ts";

/** For a resource whose changes could be watched, and whose source cannot reach this server to tell of them. */
const NOT_LIVE =
  "Not live here: subscribers hear of changes only when they are made through this server.";

/** @returns The tools as `tools/list` names them. */
export function listedTools({ tools }: Features) {
  return tools.map(listedTool);
}

function listedTool({ name, title, description, annotations, inputSchema, outputSchema }: Tool) {
  return {
    name,
    title,
    description,
    annotations: { title, ...annotations },
    inputSchema,
    ...(outputSchema !== undefined && { outputSchema }),
  };
}

/**
 * @param live Whether sources can reach this server with their notifications.
 * @returns The fixed resources as `resources/list` names them.
 */
export function listedResources({ resources }: Features, live: boolean) {
  return resources.map(({ uri, name, title, description, mimeType, watch }: Resource) => ({
    uri,
    name,
    title,
    description: watch === undefined || live ? description : `${description} ${NOT_LIVE}`,
    mimeType,
  }));
}

/**
 * @returns Something that a template has to read, as `resources/list` names it. Without the template's title, which
 *   clients would show in place of the name: all that it lists would look the same.
 */
export function listedOfTemplate(
  { description, mimeType }: ResourceTemplate,
  { uri, name }: { readonly uri: string; readonly name: string },
) {
  return { uri, name, description, mimeType };
}

/** @returns The templates as `resources/templates/list` names them. */
export function listedTemplates({ resourceTemplates }: Features) {
  return resourceTemplates.map(
    ({ uriTemplate, name, title, description, mimeType }: ResourceTemplate) => ({
      uriTemplate,
      name,
      title,
      description,
      mimeType,
    }),
  );
}

/** @returns A prompt as `prompts/list` names it. */
export function listedPrompt({ name, title, description, arguments: args }: Prompt) {
  return {
    name,
    title,
    description,
    arguments: args.map(({ name: argument, description: what, required }) => ({
      name: argument,
      description: what,
      required: required ?? false,
    })),
  };
}
