import { useFacade } from "../support/facade.ts";
import { holdsEvery } from "../support/rules.ts";
import { mcpAuthorization } from "./mcp-authorization.ts";

/** MCP 2025-11-25, authorization. What a standard of its own says in detail is in the file of that standard. */
const RULES = {
  resourceMetadata:
    "publishes protected-resource metadata at the root and for the endpoint (RFC 9728)",
  challenge: "challenges with resource_metadata and scope, and never offline_access",
  invalidToken: "answers 401 invalid_token to whatever is wrong with a token",
  validatedFirst: "checks the token before it looks at anything else",
  ownTokensOnly: "refuses the tokens of Entra ID (audience binding)",
  noPassthrough: "does not pass a client's token on: Graph gets one of Entra's",
  noQueryToken: "takes no token from the query string",
  insufficientScope:
    "answers a call that lacks a scope on the stream: HTTP+SSE clients cannot step up (deviates: ADR 12)",
  noSessionAuth: "authenticates nobody by a connection id",
  origin:
    "answers browser origins that are allowed, at the MCP endpoints, and any at the OAuth ones",
  host: "answers only to names of this machine while it is on this machine (DNS rebinding)",
  codeAndPkce: "issues tokens for a code and its verifier only (OAuth 2.1)",
  metadata: "announces PKCE, iss and public clients (RFC 8414)",
  iss: "names itself in every authorization response (RFC 9207)",
  registration: "lets clients register themselves, whatever application_type they are (RFC 7591)",
  metadataDocuments:
    "announces client-id metadata documents, and shows a page for one that is missing",
  consent: "shows who asks, where the answer goes and what may be done",
  redirectSchemes:
    "accepts https, loopback and private-use redirect URIs (private-use deviates: ADR 4)",
  loopbackPorts: "accepts any port of a loopback redirect URI (deviates from exact strings: ADR 4)",
  badClientPage: "shows a page for a wrong client or redirect URI",
  untrustedRedirect:
    "sends nobody to a site that anybody could have registered before they have seen a page",
  refreshRetry:
    "answers the previous refresh token once more, and the same, for 60 seconds (deviates: ADR 11)",
  rotation: "rotates refresh tokens and revokes the family on reuse",
  revocation: "announces revocation (RFC 7009)",
  resourceParameter: "honours resource at /authorize and /token (RFC 8707)",
} as const;

const facade = useFacade();

holdsEvery("MCP authorization (2025-11-25)", RULES, mcpAuthorization(facade));
