import { type Adapters, keyWrapperOf, redisOf } from "./adapters.ts";
import type { Config } from "./config.ts";
import { MsalEntra } from "./entra/msal-entra.ts";
import { features as allFeatures } from "./features/all.ts";
import { AccountForms } from "./http/account-form.ts";
import { ConcurrencyGate } from "./http/concurrency-gate.ts";
import { MemoryRateLimiter } from "./http/rate-limiter.ts";
import { RedisRateLimiter } from "./http/redis-rate-limiter.ts";
import { KeyRotation } from "./keys/key-rotation.ts";
import { Keyring } from "./keys/keyring.ts";
import { Sealer } from "./keys/seal.ts";
import { Feeds } from "./live/feeds.ts";
import { PublisherTokens } from "./live/publisher-token.ts";
import { SessionGraphs } from "./live/session-graphs.ts";
import { canBeNotified, type Watch, watchesOf } from "./live/watch.ts";
import { WatchRows } from "./live/watch-rows.ts";
import { WatchedCache } from "./live/watched-cache.ts";
import { WatchCare } from "./live/watch-care.ts";
import { WatchHolders } from "./live/watch-holders.ts";
import { WatchLife } from "./live/watch-life.ts";
import { Watching } from "./live/watching.ts";
import { Announcer } from "./mcp/announcer.ts";
import { ConnectionRows } from "./mcp/connection-rows.ts";
import { Connections } from "./mcp/connections.ts";
import { RequestStates } from "./mcp/request-states.ts";
import { SessionMcp } from "./mcp/streamable/session-mcp.ts";
import { StatelessMcp } from "./mcp/streamable/stateless-mcp.ts";
import { StreamCheck } from "./mcp/stream-check.ts";
import { WaitingAnswers } from "./mcp/waiting-answers.ts";
import { AccountSignIn } from "./oauth/account-sign-in.ts";
import { authorizationCodeGrant } from "./oauth/authorization-code-grant.ts";
import { BrowserBinding } from "./oauth/browser-binding.ts";
import { clientSignIn } from "./oauth/client-sign-in.ts";
import { ClientAssertions } from "./oauth/clients/client-assertion.ts";
import { clientAuthentication } from "./oauth/clients/client-authentication.ts";
import { Clients } from "./oauth/clients/clients.ts";
import { KeySets } from "./oauth/clients/key-sets.ts";
import { publicDocumentFetch } from "./oauth/clients/public-document-fetch.ts";
import { RegisteredClients } from "./oauth/clients/registered-clients.ts";
import { UsedAssertions } from "./oauth/clients/used-assertions.ts";
import { Codes } from "./oauth/codes.ts";
import { ConsentRequests } from "./oauth/consent-request.ts";
import { EntraRedirect } from "./oauth/entra-redirect.ts";
import { refreshTokenGrant } from "./oauth/refresh-token-grant.ts";
import { RememberedConsents } from "./oauth/remembered-consents.ts";
import { Resources } from "./oauth/resources.ts";
import { TokenIssuer } from "./oauth/token-issuer.ts";
import { Transactions } from "./oauth/transactions.ts";
import { Inbox } from "./relay/inbox.ts";
import { InboxReader } from "./relay/inbox-reader.ts";
import { Instances } from "./relay/instances.ts";
import { Lease } from "./relay/lease.ts";
import { PollPace } from "./relay/poll-pace.ts";
import { RedisFastPath } from "./relay/redis-fast-path.ts";
import { Relay } from "./relay/relay.ts";
import { Station } from "./relay/station.ts";
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
import { countingLog } from "./telemetry/counting-log.ts";
import { noTelemetry } from "./telemetry/telemetry.ts";
import { TracedEntra } from "./telemetry/traced-entra.ts";
import { TracedFeatureCalls } from "./telemetry/traced-feature-calls.ts";
import { TracedReceiver, TracedSender } from "./telemetry/traced-relay.ts";
import { TracedStore } from "./telemetry/traced-store.ts";
import { expireRows } from "./upkeep/expire-rows.ts";
import { Sweep } from "./upkeep/sweep.ts";

/**
 * Makes the parts of the server, from the inside out. Each takes from `base` and the parts before it what
 * its own type names.
 */
export function createParts(config: Config, adapters: Adapters) {
  const issuer = config.baseUrl;
  const telemetry = adapters.telemetry ?? noTelemetry;
  const resources = new Resources(config.baseUrl);
  const base = {
    ...adapters,
    ...config,
    telemetry,
    store: new TracedStore(adapters.store, telemetry),
    log: countingLog(adapters.log, telemetry),
    issuer,
    resources,
    features: adapters.features ?? allFeatures,
    cookies: { loopback: config.loopback },
    fetchDocument: adapters.fetchDocument ?? publicDocumentFetch(),
  };

  const expiries = new Expiries(base);
  const wrapper = adapters.keyWrapper ?? keyWrapperOf(config);
  const keyring = new Keyring({ ...base, wrapper });
  const rotation = new KeyRotation({ ...base, wrapper, keyring });
  const sealer = new Sealer(keyring);
  const vault = new Vault({ ...base, sealer });
  const msal = adapters.entra ?? new MsalEntra({ ...base, config, vault });
  const entra = new TracedEntra(msal, telemetry);

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
  const feeds = new Feeds(base);
  const publisherTokens = new PublisherTokens(base);
  const connections = new Connections();
  const connectionRows = new ConnectionRows({ ...base, expiries });
  const waitingAnswers = new WaitingAnswers({ ...base, sealer });
  const inbox = new Inbox({ ...base, sealer });
  const reader = new InboxReader({ inbox });
  const instances = new Instances(base);
  const lease = new Lease({ ...base, expiries, onLost: () => connections.closeAll("lease-lost") });
  const pace = new PollPace();
  const redis = adapters.redis ?? redisOf(config, adapters);
  const fastPath = redis && new RedisFastPath({ ...base, redis, sealer });
  const hub = { ...base, connections, connectionRows, lease, instances, inbox, fastPath, pace };
  const streamCheck = new StreamCheck({ ...base, connections, sessions, bearer });
  const announcer = new Announcer({ connections });
  const sender = new TracedSender(hub);
  const receiver = new TracedReceiver({ ...hub, announcer, bearer, streamCheck });
  const relay = new Relay({ ...hub, announcer, sender, streamCheck });
  const station = new Station({ ...hub, reader, receiver });
  const watchRows = new WatchRows(base);
  const watchedCache = new WatchedCache({ ...base, watchRows });
  const sessionGraphs = new SessionGraphs({ ...base, signIns: () => signIns });
  const live = canBeNotified(config);
  const watchHolders = new WatchHolders({ ...hub, sessions });
  const watchLife = new WatchLife({ ...base, watchRows, sessionGraphs });
  const watches = live ? watchesOf(base.features) : new Map<string, Watch>();
  const watched = { ...base, watches, watchRows, watchHolders, watchLife, relay };
  const watchCare = new WatchCare(watched);
  const watching = new Watching({ ...watched, watchCare, sessions });
  const sessionEnd = new SessionEnd({ sessions, bearer, relay, watching });
  const signIns: SignIns = new SignIns({ ...base, entra, sessions, bearer, relay, sessionEnd });

  const tokens = new TokenIssuer({ ...base, sessions, accessTokens, refreshTokens });
  const grants = { ...base, clients, sessions, sessionEnd, signIns, tokens };
  const authorizationCode = authorizationCodeGrant({ ...grants, codes });
  const refreshToken = refreshTokenGrant({ ...grants, refreshTokens });

  const entraRedirect = new EntraRedirect({ transactions, binding, entra });
  const signIn = clientSignIn({ ...base, sessions, sessionEnd, codes, entraRedirect });
  const accountSessions = new AccountSessions({ ...base, sealer });
  const accountSignIn = new AccountSignIn({ ...base, entraRedirect, entra, accountSessions });
  const accountForms = new AccountForms({ ...base, sealer });

  const expire = expireRows({ ...hub, registered, sessions, waitingAnswers });
  const sweep = new Sweep({ ...base, expiries, expire });

  const { rateLimitFactor: factor } = base;
  const rateLimiter = redis
    ? new RedisRateLimiter({ ...base, factor, redis, keyring })
    : new MemoryRateLimiter(factor);
  const gate = new ConcurrencyGate({ ...base, factor });

  const requestStates = new RequestStates({ ...base, sealer });
  const calls = new TracedFeatureCalls({ ...base, requestStates, live });
  const people = { sessions, settings, sessionEnd, signIns, feeds, watchedCache, watching };
  const serving = {
    ...hub,
    ...people,
    expiries,
    waitingAnswers,
    sender,
    receiver,
    relay,
    station,
    calls,
  };
  const statelessMcp = new StatelessMcp(serving);
  const sessionMcp = new SessionMcp(serving);
  return {
    ...base,
    redis,
    rateLimiter,
    gate,
    rotation,
    sweep,
    keyring,
    entra,
    registered,
    clients,
    authenticate,
    consentRequests,
    remembered,
    transactions,
    binding,
    codes,
    sessions,
    settings,
    refreshTokens,
    accessTokens,
    bearer,
    connections,
    feeds,
    publisherTokens,
    watchRows,
    watchedCache,
    watchCare,
    watching,
    connectionRows,
    waitingAnswers,
    expiries,
    lease,
    instances,
    inbox,
    sender,
    receiver,
    relay,
    station,
    sessionEnd,
    streamCheck,
    signIns,
    tokens,
    authorizationCode,
    refreshToken,
    entraRedirect,
    clientSignIn: signIn,
    accountSessions,
    accountSignIn,
    accountForms,
    calls,
    statelessMcp,
    sessionMcp,
  };
}

export type Parts = ReturnType<typeof createParts>;
