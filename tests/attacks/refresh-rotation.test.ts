import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import type { OAuthTestClient } from "../support/oauth-client.ts";
import { SEED } from "./property.ts";

const facade = useFacade();

const WINDOW_SECONDS = 60;

const steps = [
  "current",
  "current",
  "current",
  "retry",
  "retry",
  "replay",
  "two at once",
  "retry and current at once",
  "wrong client",
  "forged",
  "narrower",
  "foreign resource",
  "entra down",
  "entra up",
  "a second",
  "half a window",
  "a window",
  "a window and a second",
] as const;
type Step = (typeof steps)[number];

/** What the rules say about one session, beside the real one. */
class Model {
  alive = true;
  entraUp = true;
  current: string;
  previous: { token: string; answer: string; rotatedAt: number } | undefined;
  readonly older: string[] = [];
  readonly #client: OAuthTestClient;
  readonly #stranger: OAuthTestClient;

  constructor(client: OAuthTestClient, stranger: OAuthTestClient, token: string) {
    this.#client = client;
    this.#stranger = stranger;
    this.current = token;
  }

  async take(step: Step): Promise<void> {
    switch (step) {
      case "current":
        return this.#expectRotation(await this.#client.refresh(this.current));
      case "narrower":
        return this.#expectRotation(await this.#client.refresh(this.current, { scope: "mcp" }));
      case "retry":
        return this.#retry();
      case "replay":
        return this.#replay();
      case "two at once": {
        const token = this.current;
        const both = await Promise.all([this.#client.refresh(token), this.#client.refresh(token)]);
        const [one, two] = [await both[0].clone().text(), await both[1].text()];
        expect(both[1].status).toBe(both[0].status);
        if (both[0].ok) expect(two).toBe(one);
        return this.#expectRotation(both[0]);
      }
      case "retry and current at once": {
        if (this.previous === undefined || !this.#retryIsDue()) return;
        const { token, answer } = this.previous;
        const [retried, rotated] = await Promise.all([
          this.#client.refresh(token),
          this.#client.refresh(this.current),
        ]);
        if (this.alive) expect(await retried.text()).toBe(answer);
        return this.#expectRotation(rotated);
      }
      case "wrong client":
        for (const token of this.#issued()) {
          expect(await refusalOf(await this.#stranger.refresh(token))).toBe("400 invalid_grant");
        }
        return;
      case "forged":
        for (const token of this.#issued()) {
          const bent = `${token.slice(0, -2)}${token.endsWith("AA") ? "BB" : "AA"}`;
          expect(await refusalOf(await this.#client.refresh(bent))).toBe("400 invalid_grant");
        }
        return;
      case "foreign resource": {
        const answer = await this.#client.refresh(this.current, {
          resource: "https://evil.example",
        });
        const refusal = this.alive ? "400 invalid_target" : "400 invalid_grant";
        return expect(await refusalOf(answer)).toBe(refusal);
      }
      case "entra down":
        this.entraUp = false;
        return facade.entra.set({ down: true });
      case "entra up":
        this.entraUp = true;
        return facade.entra.set({ down: false });
      case "a second":
        return facade.app.clock.advance({ seconds: 1 });
      case "half a window":
        return facade.app.clock.advance({ seconds: WINDOW_SECONDS / 2 });
      case "a window":
        return facade.app.clock.advance({ seconds: WINDOW_SECONDS });
      case "a window and a second":
        return facade.app.clock.advance({ seconds: WINDOW_SECONDS + 1 });
    }
  }

  /** With Entra back: a living session has one token that rotates, a dead one none at all. */
  async expectTheEnd(): Promise<void> {
    await this.take("entra up");
    if (this.alive) return this.take("current");
    for (const token of this.#issued()) {
      expect(await refusalOf(await this.#client.refresh(token))).toBe("400 invalid_grant");
    }
  }

  async #expectRotation(answer: Response): Promise<void> {
    if (!this.alive) return expect(await refusalOf(answer)).toBe("400 invalid_grant");
    if (!this.entraUp) return expect(await refusalOf(answer)).toBe("503 temporarily_unavailable");
    expect(answer.status).toBe(200);
    const text = await answer.text();
    if (this.previous !== undefined) this.older.push(this.previous.token);
    this.previous = { token: this.current, answer: text, rotatedAt: facade.app.clock.now() };
    this.current = (JSON.parse(text) as TokenResponse).refresh_token;
    expect(this.#issued().filter((token) => token === this.current)).toHaveLength(1);
  }

  async #retry(): Promise<void> {
    if (this.previous === undefined) return;
    const answer = await this.#client.refresh(this.previous.token);
    if (this.alive && this.#retryIsDue()) {
      expect(answer.status).toBe(200);
      // Byte by byte: a retry makes no second token.
      return expect(await answer.text()).toBe(this.previous.answer);
    }
    this.alive = false;
    expect(await refusalOf(answer)).toBe("400 invalid_grant");
  }

  async #replay(): Promise<void> {
    const [oldest] = this.older;
    if (oldest === undefined) return;
    expect(await refusalOf(await this.#client.refresh(oldest))).toBe("400 invalid_grant");
    this.alive = false;
  }

  #retryIsDue(): boolean {
    const rotatedAt = this.previous?.rotatedAt ?? 0;
    return facade.app.clock.now() - rotatedAt <= WINDOW_SECONDS * 1000;
  }

  #issued(): string[] {
    const previous = this.previous === undefined ? [] : [this.previous.token];
    return [...this.older, ...previous, this.current];
  }
}

describe("the rotation of refresh tokens (RFC 9700 §4.14), for any order of events", () => {
  it("has one current token, repeats an answer for 60 seconds, ends by reuse for good, and by no outage", async () => {
    const stranger = await facade.stranger();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...steps), { minLength: 4, maxLength: 14 }),
        async (sequence) => {
          facade.entra.reset();
          const { refresh_token: first } = await facade.client.tokens("alice");
          const model = new Model(facade.client, stranger, first);
          for (const step of sequence) await model.take(step);
          await model.expectTheEnd();
        },
      ),
      { seed: SEED, numRuns: 40, interruptAfterTimeLimit: 5_000 },
    );
  }, 30_000);

  it.each<[string, ...Step[]]>([
    [
      "a thief who is faster than the victim",
      "current",
      "a window and a second",
      "retry",
      "current",
    ],
    ["a thief who kept an old token", "current", "current", "replay", "current", "retry"],
    ["a lost answer", "current", "a window", "retry", "current"],
    ["an outage at every turn", "entra down", "current", "two at once", "entra up", "current"],
    ["a retry while Entra is away", "current", "entra down", "retry", "current", "entra up"],
    ["a stranger who has them all", "current", "current", "wrong client", "forged", "current"],
    ["a retry that races the next refresh", "current", "retry and current at once", "retry"],
  ])("%s", async (_story, ...sequence) => {
    const stranger = await facade.stranger();
    const { refresh_token: first } = await facade.client.tokens("alice");
    const model = new Model(facade.client, stranger, first);
    for (const step of sequence) await model.take(step);
    await model.expectTheEnd();
  });
});
