import type { Features, Prompt, Resource, ResourceTemplate, Tool } from "../features/feature.ts";

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

/** @returns The resources as `resources/list` names them. */
export function listedResources({ resources }: Features) {
  return resources.map(({ uri, name, title, description, mimeType }: Resource) => ({
    uri,
    name,
    title,
    description,
    mimeType,
  }));
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
