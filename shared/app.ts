import { azureCredential } from "./azure-credential.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Config, loadConfig } from "./config.ts";
import type { Entra } from "./entra/entra.ts";
import { MsalEntra } from "./entra/msal-entra.ts";
import { features } from "./features/all.ts";
import { accountActionHandler, accountHandler } from "./http/account.ts";
import { AccountForms } from "./http/account-form.ts";
import type { Handler } from "./http/context.ts";
import { endpoint, type EndpointOptions, type EndpointPolicy } from "./http/endpoint.ts";
import { healthHandler } from "./http/health.ts";
import { homeHandler } from "./http/home.ts";
import { type Limit, LIMITS, MemoryRateLimiter } from "./http/rate-limiter.ts";
import { KeyRotation } from "./keys/key-rotation.ts";
import { KeyVaultWrapper } from "./keys/key-vault-wrapper.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import { Keyring } from "./keys/keyring.ts";
import { LocalKeyWrapper } from "./keys/local-key-wrapper.ts";
import { Sealer } from "./keys/seal.ts";
import { consoleLog, type Log } from "./log.ts";
import { Connections } from "./mcp/connections.ts";
import { FeatureCalls } from "./mcp/feature-calls.ts";
import { messageHandler } from "./mcp/message.ts";
import { sseHandler } from "./mcp/sse.ts";
import { STREAM_CHECK_INTERVAL_MS, StreamCheck } from "./mcp/stream-check.ts";
import { AccountSignIn } from "./oauth/account-sign-in.ts";
import { authorizationCodeGrant } from "./oauth/authorization-code-grant.ts";
import { authorizeHandler } from "./oauth/authorize.ts";
import { BrowserBinding } from "./oauth/browser-binding.ts";
import { callbackHandler } from "./oauth/callback.ts";
import { clientSignIn } from "./oauth/client-sign-in.ts";
import { ClientAssertions } from "./oauth/clients/client-assertion.ts";
import { clientAuthentication } from "./oauth/clients/client-authentication.ts";
import { Clients } from "./oauth/clients/clients.ts";
import type { DocumentFetch } from "./oauth/clients/document-fetch.ts";
import { KeySets } from "./oauth/clients/key-sets.ts";
import { publicDocumentFetch } from "./oauth/clients/public-document-fetch.ts";
import { RegisteredClients } from "./oauth/clients/registered-clients.ts";
import { UsedAssertions } from "./oauth/clients/used-assertions.ts";
import { Codes } from "./oauth/codes.ts";
import { consentHandler } from "./oauth/consent.ts";
import { ConsentRequests } from "./oauth/consent-request.ts";
import {
  authorizationServerHandler,
  jwksHandler,
  openIdConfigurationHandler,
  protectedResourceHandler,
} from "./oauth/metadata.ts";
import { EntraRedirect } from "./oauth/entra-redirect.ts";
import { refreshTokenGrant } from "./oauth/refresh-token-grant.ts";
import { RememberedConsents } from "./oauth/remembered-consents.ts";
import { registerHandler } from "./oauth/register.ts";
import { Resources } from "./oauth/resources.ts";
import { revokeHandler } from "./oauth/revoke.ts";
import { TokenIssuer } from "./oauth/token-issuer.ts";
import { tokenHandler } from "./oauth/token.ts";
import { Transactions } from "./oauth/transactions.ts";
import { type Random, randomId, systemRandom } from "./random.ts";
import { LocalRelay } from "./relay/local-relay.ts";
import { AccessTokens } from "./sessions/access-token.ts";
import { AccountSessions } from "./sessions/account-session.ts";
import { BearerCheck } from "./sessions/bearer.ts";
import { SettingsTable } from "./sessions/personal-settings.ts";
import { RefreshTokens } from "./sessions/refresh-token.ts";
import { SessionEnd } from "./sessions/session-end.ts";
import { Sessions } from "./sessions/sessions.ts";
import { SignIns } from "./sessions/sign-ins.ts";
import { Vault } from "./sessions/vault.ts";
import { Expiries } from "./storage/expiries.ts";
import type { Store } from "./storage/store.ts";
import { TableStore } from "./storage/table-store.ts";
import { Sweep } from "./upkeep/sweep.ts";

/** The server: a handler for each route, and the way to end it. */
export interface App {
  readonly config: Config;
  readonly handlers: Readonly<
    Record<
      | "account"
      | "authorizationServerMetadata"
      | "authorize"
      | "callback"
      | "consent"
      | "health"
      | "home"
      | "jwks"
      | "message"
      | "openIdConfiguration"
      | "protectedResourceMetadata"
      | "register"
      | "revoke"
      | "sse"
      | "token",
      Handler
    >
  >;
  /** What is due every hour. Several instances may do it at once. */
  maintain(log: Log): Promise<void>;
  /** Ends the streams of sessions that have ended elsewhere. Every instance does so by itself as well. */
  checkStreams(): Promise<void>;
  /** Ends the streams, when the instance is about to go. */
  close(): Promise<void>;
}

/** What reaches out of the process; tests hand in their own. */
export interface Adapters {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The adapter to Entra; MSAL where it is left out. */
  readonly entra?: Entra;
  /** The way to clients' documents; the one that reaches public hosts only where it is left out. */
  readonly fetchDocument?: DocumentFetch;
  /** What protects the data keys; the settings choose where it is left out. */
  readonly keyWrapper?: KeyWrapper;
}

/** Puts the server together: config and adapters in, handlers out. */
export function createApp(config: Config, adapters: Adapters): App {
  const issuer = config.baseUrl;
  const resources = new Resources(config.baseUrl);
  // What most parts are made of; each takes from it what its own type names.
  const base = {
    ...adapters,
    ...config,
    issuer,
    resources,
    cookies: { loopback: config.loopback },
    fetchDocument: adapters.fetchDocument ?? publicDocumentFetch(),
  };

  const expiries = new Expiries(base);
  const wrapper = adapters.keyWrapper ?? keyWrapper(config);
  const keyring = new Keyring({ ...base, wrapper });
  const rotation = new KeyRotation({ ...base, wrapper, keyring });
  const sealer = new Sealer(keyring);
  const vault = new Vault({ ...base, sealer });
  const entra = adapters.entra ?? new MsalEntra({ config, vault });

  const registered = new RegisteredClients({ ...base, expiries });
  const clients = new Clients({ ...base, registered });
  const keySets = new KeySets(base);
  const used = new UsedAssertions(base);
  const assertions = new ClientAssertions({ ...base, keySets, used });
  const authenticate = clientAuthentication({ clients, assertions });
  const consentRequests = new ConsentRequests({ ...base, sealer });
  const remembered = new RememberedConsents({ ...base, sealer });
  const transactions = new Transactions({ ...base, sealer });
  const binding = new BrowserBinding({ ...base, keyring });
  const codes = new Codes(base);

  const sessions = new Sessions({ ...base, vault, expiries });
  const settings = new SettingsTable(base);
  const refreshTokens = new RefreshTokens({ ...base, keyring });
  const accessTokens = new AccessTokens({ ...base, keyring });
  const bearer = new BearerCheck({ ...base, accessTokens, sessions });
  const connections = new Connections();
  const relay = new LocalRelay({ connections });
  const sessionEnd = new SessionEnd({ sessions, bearer, relay });
  const streamCheck = new StreamCheck({ ...base, connections, sessions, bearer });
  const signIns = new SignIns({ ...base, entra, sessions, bearer, sessionEnd });

  const tokens = new TokenIssuer({ ...base, sessions, accessTokens, refreshTokens });
  const grants = { ...base, clients, sessions, sessionEnd, signIns, tokens };
  const authorizationCode = authorizationCodeGrant({ ...grants, codes });
  const refreshToken = refreshTokenGrant({ ...grants, refreshTokens });

  const entraRedirect = new EntraRedirect({ transactions, binding, entra });
  const signIn = clientSignIn({ ...base, sessions, codes, entraRedirect });
  const accountSessions = new AccountSessions({ ...base, sealer });
  const accountSignIn = new AccountSignIn({ ...base, entraRedirect, entra, accountSessions });
  const accountForms = new AccountForms({ ...base, sealer });
  const account = {
    ...base,
    accountSessions,
    accountSignIn,
    accountForms,
    sessions,
    sessionEnd,
  };

  const sweep = new Sweep({
    ...base,
    expiries,
    expire: {
      clients: (key) => registered.expire(key),
      sessions: (key) => sessions.expire(key),
    },
  });

  const instance = `${config.podName}-${randomId(adapters.random).slice(0, 8)}`;
  const calls = new FeatureCalls({ ...base, features });

  const checking = setInterval(() => void streamCheck.run(), STREAM_CHECK_INTERVAL_MS);
  checking.unref();

  const policy: EndpointPolicy = {
    loopback: config.loopback,
    allowedOrigins: new Set([config.baseUrl, ...config.allowedOrigins]),
    rateLimiter: new MemoryRateLimiter(config.rateLimitFactor),
  };
  const page = (methods: Methods, limit?: Limit) =>
    endpoint(policy, { surface: "page", cors: "none", methods, ...(limit && { limit }) });
  const oauth = (methods: Methods, limit?: Limit) =>
    endpoint(policy, { surface: "oauth", cors: "any", methods, ...(limit && { limit }) });
  const mcp = (methods: Methods) =>
    endpoint(policy, { surface: "mcp", cors: "allowed-origins", methods, stream: true });

  return {
    config,
    handlers: {
      home: page({ GET: homeHandler({ resources, features }) }),
      health: oauth({ GET: healthHandler({ ...base, instance, connections }) }),

      protectedResourceMetadata: oauth({ GET: protectedResourceHandler(base) }),
      authorizationServerMetadata: oauth({ GET: authorizationServerHandler(base) }),
      openIdConfiguration: oauth({ GET: openIdConfigurationHandler(base) }),
      jwks: oauth({ GET: jwksHandler({ keyring }) }),

      register: oauth({ POST: registerHandler({ registered }) }, LIMITS.register),
      authorize: page(
        { GET: authorizeHandler({ ...base, clients, consentRequests, remembered, entraRedirect }) },
        LIMITS.authorize,
      ),
      consent: page(
        { POST: consentHandler({ ...base, consentRequests, remembered, entraRedirect }) },
        LIMITS.consent,
      ),
      callback: page(
        {
          GET: callbackHandler({
            ...base,
            transactions,
            binding,
            entra,
            clientSignIn: signIn,
            accountSignIn,
          }),
        },
        LIMITS.callback,
      ),
      token: oauth(
        { POST: tokenHandler({ authenticate, authorizationCode, refreshToken }) },
        LIMITS.token,
      ),
      revoke: oauth(
        { POST: revokeHandler({ ...grants, authenticate, refreshTokens, accessTokens }) },
        LIMITS.token,
      ),

      account: page(
        { GET: accountHandler(account), POST: accountActionHandler(account) },
        LIMITS.consent,
      ),

      sse: mcp({
        GET: sseHandler({
          ...base,
          bearer,
          connections,
          relay,
          calls,
          signIns,
          settings,
          sessions,
          sessionEnd,
        }),
      }),
      message: mcp({ POST: messageHandler({ bearer, relay }) }),
    },
    async maintain(log) {
      log.info("maintenance", { removed: await sweep.run() });
      await rotation.run(({ key, change }) => {
        log.audit("key-rotated", { outcome: "success", key, change });
      });
    },
    checkStreams: () => streamCheck.run(),
    async close() {
      clearInterval(checking);
      await connections.closeAll();
    },
  };
}

function keyWrapper({ wrappingKey, azureClientId }: Config): KeyWrapper {
  if ("localKey" in wrappingKey) return new LocalKeyWrapper(wrappingKey.localKey);
  const credential = azureCredential(azureClientId);
  return new KeyVaultWrapper({ keyId: wrappingKey.keyVaultKeyId, credential });
}

type Methods = EndpointOptions["methods"];

let app: App | undefined;

/**
 * The app of this process, made when it is first asked for.
 *
 * @throws ConfigError
 */
export function getApp(): App {
  if (app === undefined) {
    const config = loadConfig();
    app = createApp(config, {
      store: new TableStore(config.storageConnectionString),
      clock: systemClock,
      random: systemRandom,
      log: consoleLog,
    });
  }
  return app;
}
