/** How Entra words one of its errors on the wire. */
export interface AadstsEntry {
  readonly error: string;
  readonly status: number;
  /** May hold `{placeholders}`; see `AadError`. */
  readonly text: string;
  readonly suberror?: string;
  /** What Conditional Access asks for; a string, because Entra sends JSON in a string. */
  readonly claims?: string;
}

const CONDITIONAL_ACCESS = JSON.stringify({
  access_token: {
    capolids: { essential: true, values: ["2b0f6c3e-1d84-4a97-b5e2-9c07d4f8a177"] },
  },
});

const grant = (text: string): AadstsEntry => ({ error: "invalid_grant", status: 400, text });
const request = (text: string): AadstsEntry => ({ error: "invalid_request", status: 400, text });
const client = (text: string): AadstsEntry => ({ error: "invalid_client", status: 401, text });
const transient = (text: string): AadstsEntry => ({
  error: "temporarily_unavailable",
  status: 503,
  text,
});
const interaction = (text: string): AadstsEntry => ({ ...grant(text), suberror: "basic_action" });
const blocked = (text: string): AadstsEntry => ({
  ...grant(text),
  suberror: "message_only",
  claims: CONDITIONAL_ACCESS,
});

/**
 * The errors that the stand-in can give, by AADSTS number. Texts follow Microsoft's error reference and answers
 * seen in public issues; `error`, `suberror` and the status are what MSAL branches on.
 * Entra says `interaction_required` for 50076 in some flows and `invalid_grant` in others: 50076 is the one here,
 * its siblings are the other, so that both readings are exercised.
 */
export const AADSTS = {
  28000: {
    error: "invalid_scope",
    status: 400,
    text: "Provided value for the input parameter scope is not valid because it contains more than one resource.",
  },
  50011: request(
    "The redirect URI '{redirectUri}' specified in the request does not match the redirect URIs configured for the application '{app}'.",
  ),
  50020: grant(
    "User account '{user}' does not exist in tenant '{tenant}' and cannot access the application '{app}' in that tenant. The account needs to be added as an external user in the tenant first.",
  ),
  50033: transient("A transient error has occurred. Please try again."),
  50057: grant("The user account is disabled."),
  50058: {
    error: "login_required",
    status: 400,
    text: "Session information is not sufficient for single-sign-on: a silent sign-in request was sent but no user is signed in.",
  },
  50059: request(
    "No tenant-identifying information found in either the request or implied by any provided credentials.",
  ),
  50072: interaction(
    "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'.",
  ),
  50074: interaction("Strong Authentication is required."),
  50076: {
    error: "interaction_required",
    status: 400,
    suberror: "basic_action",
    claims: CONDITIONAL_ACCESS,
    text: "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'.",
  },
  50078: interaction(
    "Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication to access '{resource}'.",
  ),
  50079: interaction(
    "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'.",
  ),
  50087: transient(
    "A transient error has occurred during strong authentication. Please try again.",
  ),
  50089: grant("Authentication failed due to flow token expired."),
  50105: grant(
    "Your administrator has configured the application {app} to block users unless they are specifically granted ('assigned') access to the application.",
  ),
  50132: grant(
    "The session is not valid due to password expiration or recent password change, or for the reasons of a policy.",
  ),
  50133: grant("Session is invalid due to expiration or recent password change."),
  50147: request("Missing or invalid code_challenge parameter: {detail}."),
  50148: grant(
    "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.",
  ),
  50158: interaction(
    "External security challenge not satisfied. User will be redirected to another page or authentication provider to satisfy additional authentication challenges.",
  ),
  50173: grant(
    "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
  ),
  53000: blocked(
    "Your device is required to be compliant to access this resource. The access policy does not allow token issuance.",
  ),
  53001: blocked("Your device is required to be managed to access this resource."),
  53002: blocked(
    "The application used is not an approved application for Conditional Access policies.",
  ),
  53003: blocked(
    "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
  ),
  54005: grant(
    "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
  ),
  65001: {
    ...grant(
      "The user or administrator has not consented to use the application with ID '{app}' named '{appName}'. Send an interactive authorization request for this user and resource.",
    ),
    suberror: "consent_required",
  },
  65004: {
    error: "access_denied",
    status: 400,
    text: "User declined to consent to access the app.",
  },
  70000: grant("Provided grant is invalid or malformed."),
  70002: client("Error validating credentials."),
  70003: {
    error: "unsupported_grant_type",
    status: 400,
    text: "The app requested an unsupported grant type '{detail}'.",
  },
  70008: grant(
    "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
  ),
  70011: {
    error: "invalid_scope",
    status: 400,
    text: "The provided value for the input parameter 'scope' is not valid. The scope '{detail}' is not valid.",
  },
  70043: grant(
    "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
  ),
  90002: request(
    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
  ),
  90014: request("The required field '{detail}' is missing from the request."),
  90023: request("The request is malformed: {detail}."),
  90033: transient("A transient error has occurred. Please try again."),
  500011: {
    error: "invalid_resource",
    status: 400,
    text: "The resource principal named {detail} was not found in the tenant named {tenant}.",
  },
  500112: client(
    "The reply address '{redirectUri}' does not match the reply address provided when requesting Authorization code.",
  ),
  501481: grant(
    "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
  ),
  530035: blocked("Access has been blocked by security defaults."),
  650053: {
    error: "invalid_client",
    status: 400,
    text: "The application '{appName}' asked for scope '{detail}' that doesn't exist on the resource '{resource}'. Contact the app vendor.",
  },
  700005: grant(
    "Provided Authorization Code is intended to use against other tenant, thus rejected.",
  ),
  700016: {
    error: "unauthorized_client",
    status: 400,
    text: "Application with identifier '{app}' was not found in the directory '{tenant}'.",
  },
  700024: client("Client assertion is not within its valid time range."),
  700025: client(
    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
  ),
  700027: client("Client assertion failed signature validation."),
  700054: {
    error: "unsupported_response_type",
    status: 400,
    text: "response_type '{detail}' is not enabled for the application.",
  },
  700082: grant("The refresh token has expired due to inactivity."),
  700211: client(
    "No matching federated identity record found for presented assertion issuer '{detail}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.",
  ),
  700212: client(
    "No matching federated identity record found for presented assertion audience '{detail}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.",
  ),
  700213: client(
    "No matching federated identity record found for presented assertion subject '{detail}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.",
  ),
  1002012: {
    error: "invalid_scope",
    status: 400,
    text: "The provided value for scope {detail} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
  },
  7000215: client(
    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{app}'.",
  ),
  7000218: client(
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  ),
  7000222: client("The provided client secret keys for app '{app}' are expired."),
  7000229: client(
    "The client application {app} is missing service principal in the tenant {tenant}.",
  ),
  9002313: grant("Invalid request. Request is malformed or invalid."),
  9010010: {
    error: "invalid_target",
    status: 400,
    text: "The resource parameter provided in the request doesn't match with the requested scopes.",
  },
} as const satisfies Record<number, AadstsEntry>;

export type AadstsCode = keyof typeof AADSTS;
