import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const RUN = `
  import { startVitest } from "vitest/node";
  const include = ["tests/redaction/leaks.fixture.ts"];
  const vitest = await startVitest("test", [], { watch: false, include });
  await vitest.close();
`;

/** @returns How a run of the fixture ends, under the configuration of the whole suite. */
function run(env: Record<string, string>): Promise<{ code: unknown; output: string }> {
  const cwd = fileURLToPath(new URL("../../", import.meta.url));
  const options = { cwd, env: { ...process.env, ...env, VITEST: undefined, NO_COLOR: "1" } };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--input-type=module", "--eval", RUN],
      options,
      (error, out, err) => {
        resolve({ code: error?.code ?? 0, output: out + err });
      },
    );
  });
}

it("a secret in a log fails the file, though each of its tests passes", async () => {
  const [leaking, tight] = await Promise.all([run({ PLANT_A_LEAK: "1" }), run({})]);
  expect(leaking.output).toContain("lines of a log that hold a secret");
  expect(leaking.output).toContain('"kind": "access_token"');
  expect(leaking.output).toMatch(/Tests\s+1 passed/);
  expect(leaking.code).toBe(1);
  expect(tight.output).toMatch(/Redaction\s+\d+ lines of logs searched for \d\d secrets/);
  expect(tight.code).toBe(0);
});
