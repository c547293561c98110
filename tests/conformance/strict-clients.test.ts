import * as oauth from "oauth4webapi";
import { beforeEach, describe, expect, it } from "vitest";
import { useFacade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { type Account, signIn } from "../support/sign-in.ts";
import { UserAgent } from "../support/user-agent.ts";

/** `oauth4webapi` refuses whatever is not as the standards have it: each step here is one of its checks. */
const facade = useFacade();

const RESOURCE = "http://localhost:7071/sse";

type Init = Omit<RequestInit, "body" | "signal"> & { readonly body?: unknown };

const options = () => ({
  [oauth.customFetch]: (url: string, { body, ...init }: Init) =>
    facade.app.fetch(url, {
      ...init,
      body: typeof body === "string" || body instanceof URLSearchParams ? body : null,
    }),
  [oauth.allowInsecureRequests]: true,
});

let server: oauth.AuthorizationServer;
let client: oauth.Client;

beforeEach(async () => {
  server = await discover();
  client = await register();
});

async function discover(): Promise<oauth.AuthorizationServer> {
  const resource = await oauth.processResourceDiscoveryResponse(
    new URL(RESOURCE),
    await oauth.resourceDiscoveryRequest(new URL(RESOURCE), options()),
  );
  const issuer = new URL(resource.authorization_servers?.[0] ?? "");
  return oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...options() }),
  );
}

async function register(): Promise<oauth.Client> {
  const metadata = {
    client_name: "Strict client",
    redirect_uris: [REDIRECT_URI],
    token_endpoint_auth_method: "none",
  };
  const response = await oauth.dynamicClientRegistrationRequest(server, metadata, options());
  return oauth.processDynamicClientRegistrationResponse(response);
}

/** A person signs in. @returns Where the browser was sent, with the verifier of the request. */
async function authorize(
  changes: Record<string, string> = {},
  account: Account = "alice",
): Promise<{ back: URL; verifier: string; state: string }> {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(server.authorization_endpoint ?? "");
  url.search = new URLSearchParams({
    response_type: "code",
    client_id: client.client_id,
    redirect_uri: REDIRECT_URI,
    scope: "mcp user.read",
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    resource: RESOURCE,
    ...changes,
  }).toString();
  const agent = new UserAgent(facade.app.fetch);
  return { back: await signIn(agent, url, account), verifier, state };
}

async function tokens(): Promise<oauth.TokenEndpointResponse> {
  const { back, verifier, state } = await authorize();
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    oauth.validateAuthResponse(server, client, back, state),
    REDIRECT_URI,
    verifier,
    options(),
  );
  return oauth.processAuthorizationCodeResponse(server, client, response);
}

async function refresh(token: string): Promise<oauth.TokenEndpointResponse> {
  const response = await oauth.refreshTokenGrantRequest(
    server,
    client,
    oauth.None(),
    token,
    options(),
  );
  return oauth.processRefreshTokenResponse(server, client, response);
}

const call = (token: string) =>
  oauth.protectedResourceRequest(token, "GET", new URL(RESOURCE), undefined, null, options());

describe("a strict client (oauth4webapi)", () => {
  it("discovers the resource and its authorization server (RFC 9728 §3.3, RFC 8414 §3.3)", () => {
    expect(server).toMatchObject({
      issuer: facade.app.baseUrl,
      authorization_response_iss_parameter_supported: true,
    });
  });

  it("discovers it by OpenID Connect too", async () => {
    const issuer = new URL(facade.app.baseUrl);
    const response = await oauth.discoveryRequest(issuer, { algorithm: "oidc", ...options() });
    expect(await oauth.processDiscoveryResponse(issuer, response)).toMatchObject(server);
  });

  it("registers (RFC 7591 §3.2.1)", () => {
    expect(client).toMatchObject({ redirect_uris: [REDIRECT_URI], client_name: "Strict client" });
  });

  it("accepts the authorization response, and no other issuer's (RFC 9207 §2.4)", async () => {
    const { back, state } = await authorize();
    expect(oauth.validateAuthResponse(server, client, back, state).has("code")).toBe(true);
    const mixedUp = { ...server, issuer: "https://other.example" };
    expect(() => oauth.validateAuthResponse(mixedUp, client, back, state)).toThrow(/iss/);
  });

  it("reads an error of the authorization response (RFC 6749 §4.1.2.1)", async () => {
    const url = facade.client.authorizationUrl({
      client_id: client.client_id,
      response_type: "token",
    });
    const target = (await facade.app.fetch(url)).headers.get("location") ?? "";
    expect(() => oauth.validateAuthResponse(server, client, new URL(target), "the-state")).toThrow(
      oauth.AuthorizationResponseError,
    );
  });

  it("redeems a code with PKCE (RFC 6749 §5.1, RFC 7636 §4.5)", async () => {
    expect(await tokens()).toMatchObject({
      token_type: "bearer",
      expires_in: 3_600,
      scope: "mcp user.read",
    });
  });

  it("refreshes, again and again (RFC 6749 §6)", async () => {
    const first = await tokens();
    const second = await refresh(first.refresh_token ?? "");
    const third = await refresh(second.refresh_token ?? "");
    expect(new Set([first, second, third].map((answer) => answer.refresh_token)).size).toBe(3);
  });

  it("reads a refusal of the token endpoint (RFC 6749 §5.2)", async () => {
    const refused = await refresh("not-a-token").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(oauth.ResponseBodyError);
    expect(refused).toMatchObject({ error: "invalid_grant", status: 400 });
  });

  it("takes the access token for an RFC 9068 one, with the published keys (RFC 9068 §4)", async () => {
    const { access_token: token } = await tokens();
    const request = new Request(RESOURCE, { headers: { authorization: `Bearer ${token}` } });
    const claims = await oauth.validateJwtAccessToken(server, request, RESOURCE, options());
    expect(claims).toMatchObject({ client_id: client.client_id, scope: "mcp user.read" });
  });

  it("reaches the resource with it, and reads the challenge without (RFC 6750 §3)", async () => {
    const response = await call((await tokens()).access_token);
    expect(response.status).toBe(200);
    await response.body?.cancel();
    const refused = await call("wrong").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
    expect(refused).toMatchObject({
      cause: [
        {
          scheme: "bearer",
          parameters: {
            error: "invalid_token",
            scope: "mcp user.read calendar.read",
            resource_metadata: `${facade.app.baseUrl}/.well-known/oauth-protected-resource/sse`,
          },
        },
      ],
    });
  });
});
