import { afterAll, beforeAll, describe } from "vitest";
import { LocalKeyWrapper } from "../../shared/keys/local-key-wrapper.ts";
import { LocalKeyVault } from "../support/local-key-vault.ts";
import { keyWrapperContract } from "./key-wrapper-contract.ts";

const localKey = (byte: number) => Buffer.alloc(32, byte).toString("base64url");

describe("LOCAL_KEY", () => {
  keyWrapperContract(
    () => new LocalKeyWrapper(localKey(1)),
    () => new LocalKeyWrapper(localKey(2)),
  );
});

describe("Key Vault", () => {
  let vault: LocalKeyVault;
  let other: LocalKeyVault;
  beforeAll(async () => {
    [vault, other] = [await LocalKeyVault.start(), await LocalKeyVault.start()];
  });
  afterAll(async () => {
    await vault.stop();
    await other.stop();
  });

  keyWrapperContract(
    () => vault.wrapper(),
    () => other.wrapper(),
  );
});
