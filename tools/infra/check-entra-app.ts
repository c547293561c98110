import { SCOPE_DEFINITIONS } from "../../shared/oauth/scopes.ts";
import type { BicepFile } from "./bicep-file.ts";
import type { Fault } from "./fault.ts";
import { everyNode, property, textOf } from "./syntax.ts";

const FILE = "infra/modules/entra-app.bicep";

/** What MSAL adds to every sign-in. */
const OF_MSAL = ["openid", "profile", "offline_access"] as const;

/** What the code and its documentation call them. */
const APP_ROLES = ["Mcp.User", "Mcp.Admin", "Mcp.Publish"] as const;

/** What the federated credential and the server have to agree on. */
const TOKEN_EXCHANGE = "api://AzureADTokenExchange";

/** The registration asks for what the server asks people for, no more and no less, and has the roles that it knows. */
export function checkEntraApp(files: readonly BicepFile[]): Fault[] {
  const file = files.find(({ path }) => path === FILE);
  if (file === undefined) return [{ file: FILE, message: "is not there" }];
  const objects = [...everyNode(file.root)].filter(({ type }) => type === "object");
  const asked = objects.flatMap((object) => {
    const [name, id] = [textOf(property(object, "name")), property(object, "id")];
    return name !== undefined && id !== undefined ? [name] : [];
  });
  const needed = [...OF_MSAL, ...SCOPE_DEFINITIONS.flatMap(({ graph }) => graph)];
  const roles = objects.flatMap((object) => textOf(property(object, "value")) ?? []);
  const fault = (message: string): Fault => ({ file: FILE, message });
  return [
    ...needed
      .filter((scope) => !asked.includes(scope))
      .map((scope) => fault(`does not ask for ${scope}, which shared/oauth/scopes.ts needs`)),
    ...asked
      .filter((scope) => !needed.includes(scope))
      .map((scope) => fault(`asks for ${scope}, which nothing needs`)),
    ...APP_ROLES.filter((role) => !roles.includes(role)).map((role) =>
      fault(`has no role ${role}`),
    ),
    ...(file.text.includes(`audiences: ['${TOKEN_EXCHANGE}']`)
      ? []
      : [fault(`the federated credential's audience is ${TOKEN_EXCHANGE}`)]),
  ];
}
