import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { management, NotSignedIn } from "../../infra/hooks/azd-session.mjs";
import { checkBeforeProvisioning } from "../../infra/hooks/check-before-provisioning.mjs";
import { azdEnvironment } from "../../infra/hooks/environment.mjs";
import { instructions } from "../../infra/hooks/instructions.mjs";
import { removeAppRegistration } from "../../infra/hooks/remove-app-registration.mjs";
import { ROOT } from "../../tools/stack/command-line.ts";

const ENV = {
  AZURE_ENV_NAME: "dev",
  AZURE_SUBSCRIPTION_ID: "5f3c1a52-9d0e-4b7a-8c61-2e4d7f9a1b31",
  AZURE_LOCATION: "westeurope",
  MCP_SERVER_URL: "https://func-abc.azurewebsites.net",
};
const OWN_TAGS = ["azd-env-name:dev", `subscription:${ENV.AZURE_SUBSCRIPTION_ID}`];
const FOREIGN_TAGS = ["azd-env-name:dev", "subscription:another"];

/** Azure and Graph with nothing in them but what is named; remembers what was asked of them. */
function directory(answers: Record<string, unknown> = {}) {
  const asked: string[] = [];
  const call = async (path: string, method = "GET") => {
    asked.push(`${method} ${decodeURIComponent(path)}`);
    if (method === "DELETE") return { status: 204, body: undefined };
    const name = Object.keys(answers).find((part) => path.includes(part));
    return { status: 200, body: name === undefined ? { value: [] } : answers[name] };
  };
  return { arm: call, graph: call, asked };
}

const refuse = () => Promise.reject(new NotSignedIn());
const refused = async () => ({ status: 403, body: { error: {} } });

const check = (answers: Record<string, unknown>, env: Record<string, string> = {}) =>
  checkBeforeProvisioning(azdEnvironment({ ...ENV, ...env }), directory(answers));

describe("before provisioning", () => {
  it("nothing stands in the way of a new environment", async () => {
    expect(await check({})).toEqual({ problems: [], notes: [] });
  });

  it("who is not signed in is told so, and nothing else", async () => {
    const environment = azdEnvironment({ ...ENV, VIRTUAL_NETWORK: "true" });
    const { problems } = await checkBeforeProvisioning(environment, { arm: refuse, graph: refuse });
    expect(problems).toEqual([expect.stringContaining("azd auth login")]);
  });

  it("a deleted vault of this environment stops, with the lines that recover or purge it", async () => {
    const properties = { location: "westeurope", tags: { "azd-env-name": "dev" } };
    const { problems } = await check({ deletedVaults: { value: [{ name: "kv-1", properties }] } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("az keyvault recover --name kv-1 --location westeurope");
    expect(problems[0]).toContain("az keyvault purge --name kv-1 --location westeurope");
  });

  it("a protected vault is not said to be purgeable", async () => {
    const properties = {
      location: "westeurope",
      tags: { "azd-env-name": "dev" },
      purgeProtectionEnabled: true,
    };
    const { problems } = await check({ deletedVaults: { value: [{ name: "kv-1", properties }] } });
    expect(problems[0]).toContain("az keyvault recover");
    expect(problems[0]).not.toContain("az keyvault purge");
  });

  it.each([
    ["another environment", { location: "westeurope", tags: { "azd-env-name": "prod" } }],
    ["another region", { location: "northeurope", tags: { "azd-env-name": "dev" } }],
    ["somebody else", { location: "westeurope" }],
  ])("a deleted vault of %s does not matter", async (_whose, properties) => {
    const { problems } = await check({ deletedVaults: { value: [{ name: "kv-1", properties }] } });
    expect(problems).toEqual([]);
  });

  it("a deleted app registration of this environment stops, with the lines that restore or remove it", async () => {
    const { problems } = await check({
      "deletedItems/microsoft.graph.application": { value: [{ id: "app-1", tags: OWN_TAGS }] },
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("--method post");
    expect(problems[0]).toContain("/directory/deletedItems/app-1/restore");
    expect(problems[0]).toContain("--method delete");
  });

  it("that of another subscription's environment of the same name does not matter", async () => {
    const value = [{ id: "app-1", tags: FOREIGN_TAGS }, { id: "app-2" }];
    const { problems } = await check({ "deletedItems/microsoft.graph.application": { value } });
    expect(problems).toEqual([]);
  });

  it("an app registration that somebody else has made is not looked for", async () => {
    const { asked, ...calls } = directory();
    await checkBeforeProvisioning(azdEnvironment({ ...ENV, ENTRA_CLIENT_ID: "x" }), calls);
    expect(asked.filter((request) => request.includes("application"))).toEqual([]);
  });

  it("a virtual network needs Microsoft.App registered; without one nobody asks", async () => {
    const provider = { "providers/Microsoft.App?": { registrationState: "NotRegistered" } };
    expect((await check(provider)).problems).toEqual([]);
    const { problems } = await check(provider, { VIRTUAL_NETWORK: "true" });
    expect(problems).toEqual([expect.stringContaining("az provider register")]);
    const registered = { "providers/Microsoft.App?": { registrationState: "Registered" } };
    expect((await check(registered, { VIRTUAL_NETWORK: "true" })).problems).toEqual([]);
  });

  it("what may not be looked at is a note and stops nothing", async () => {
    const environment = azdEnvironment(ENV);
    const result = await checkBeforeProvisioning(environment, { arm: refused, graph: refused });
    expect(result.problems).toEqual([]);
    expect(result.notes).toHaveLength(2);
  });
});

const remove = async (answers: Record<string, unknown>, env: Record<string, string> = {}) => {
  const { graph, asked } = directory(answers);
  const said = await removeAppRegistration(azdEnvironment({ ...ENV, ...env }), graph);
  return { said, asked };
};

describe("after azd down", () => {
  it("the app registration of this environment goes, and no other", async () => {
    const value = [
      { id: "own", tags: OWN_TAGS },
      { id: "foreign", tags: FOREIGN_TAGS },
    ];
    const { asked } = await remove({ "/applications?": { value } });
    expect(asked.filter((request) => request.startsWith("DELETE"))).toEqual([
      "DELETE /applications/own",
    ]);
  });

  it("one that somebody else has made stays", async () => {
    const value = [{ id: "own", tags: OWN_TAGS }];
    const { said, asked } = await remove({ "/applications?": { value } }, { ENTRA_CLIENT_ID: "x" });
    expect(asked).toEqual([]);
    expect(said).toContain("stays");
  });
});

it("after a deployment the Inspector's line names the server", () => {
  const text = instructions(azdEnvironment(ENV));
  expect(text).toContain("npx @modelcontextprotocol/inspector");
  expect(text).toContain(`"Streamable HTTP", URL ${ENV.MCP_SERVER_URL}/mcp`);
  expect(text).toContain(`${ENV.MCP_SERVER_URL}/sse`);
});

const run = (hook: string, env: Record<string, string>) =>
  promisify(execFile)("node", [`infra/hooks/${hook}.mjs`], {
    cwd: ROOT,
    env: { ...process.env, ...ENV, ...env },
  });

/** What a hook that fails wrote. */
const complaint = (hook: string, env: Record<string, string>): Promise<string> =>
  run(hook, env).then(
    () => "",
    (error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`,
  );

describe("as azd runs them", () => {
  let bin: string;
  beforeEach(async () => {
    bin = await mkdtemp(join(tmpdir(), "azd-"));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
    await rm(bin, { recursive: true });
  });

  /** Puts an `azd` first on the path. */
  async function azd(script: string): Promise<{ PATH: string }> {
    await writeFile(join(bin, "azd"), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, "azd"), 0o755);
    return { PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };
  }

  it("the management APIs are asked with azd's own token, each with one for itself", async () => {
    vi.stubEnv("PATH", (await azd(`echo '{"token":"for '$4'"}'`)).PATH);
    const sent: [string, string | null][] = [];
    vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
      sent.push([url, new Headers(init.headers).get("authorization")]);
      return Response.json({});
    });
    await management.arm("/a");
    await management.graph("/b");
    expect(sent).toEqual([
      ["https://management.azure.com/a", "Bearer for https://management.azure.com/.default"],
      ["https://graph.microsoft.com/v1.0/b", "Bearer for https://graph.microsoft.com/.default"],
    ]);
  });

  it("preprovision ends with 1 and says what helps", async () => {
    const said = await complaint("preprovision", await azd("exit 1"));
    expect(said).toMatch(/^1 [^]*azd auth login/);
  });

  it("postdown says so where it could not look, without a stack", async () => {
    const said = await complaint("postdown", await azd("exit 1"));
    expect(said).toMatch(/^1 The app registration could not be deleted/);
    expect(said).not.toContain("    at ");
  });

  it("postdeploy prints the way in", async () => {
    expect((await run("postdeploy", {})).stdout).toContain(`${ENV.MCP_SERVER_URL}/mcp`);
  });
});
