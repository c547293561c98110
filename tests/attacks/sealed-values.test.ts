import { decodeJwt } from "jose";
import { expect, it } from "vitest";
import { open, SealBroken } from "../../shared/keys/seal.ts";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { useFacade } from "../support/facade.ts";

const facade = useFacade();

it("the stored hash of a refresh token does not open the retry answer beside it", async () => {
  const { refresh_token: presented } = await facade.client.tokens();
  const answer = (await (await facade.client.refresh(presented)).json()) as TokenResponse;
  const { sub = "", sid } = decodeJwt<{ sid: string }>(answer.access_token);
  const row = await facade.app.store.get("sessions", { partition: sub, row: sid });
  const { previousHash, retryAnswer } = row?.value ?? {};
  const secret = Uint8Array.from(Buffer.from(String(previousHash), "base64url"));
  const key = { kid: "presented-token", secret };
  await expect(open(() => key, "retry-answer", sid, String(retryAnswer))).rejects.toThrow(
    SealBroken,
  );
});
