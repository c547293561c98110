/**
 * Who and what exists in the stand-in: two tenants, four accounts, our application registration and its managed
 * identity (other programs: `service-principals.ts`). The registration equals `local.settings.sample.json`; nothing
 * here is a secret.
 */

/** An Entra tenant, as far as the stand-in knows one. */
export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly domain: string;
}

export const HOME_TENANT: Tenant = {
  id: "5f3c1a52-9d0e-4b7a-8c61-2e4d7f9a1b30",
  name: "Contoso",
  domain: "contoso.example",
};

export const GUEST_TENANT: Tenant = {
  id: "a7d2e4b8-3c19-4f56-9e07-6b8c5d1f2a43",
  name: "Fabrikam",
  domain: "fabrikam.example",
};

export const ACCOUNT_NAMES = ["alice", "bob", "admin", "guest"] as const;

/** The short name of an account: what the picker's buttons and the switches call it. */
export type AccountName = (typeof ACCOUNT_NAMES)[number];

/** What Graph's `/me` tells of a person; `id` is the account's object id. */
export interface Profile {
  readonly id: string;
  readonly displayName: string;
  readonly givenName: string;
  readonly surname: string;
  readonly userPrincipalName: string;
  readonly mail: string;
  readonly jobTitle: string;
  readonly department: string;
  readonly officeLocation: string;
  readonly mobilePhone: string | null;
  readonly businessPhones: readonly string[];
  readonly preferredLanguage: string;
}

export interface Account {
  readonly name: AccountName;
  readonly tenant: Tenant;
  /** App roles assigned to the person for our application; in the ID token as `roles` when there are any. */
  readonly roles: readonly string[];
  readonly profile: Profile;
}

export const ACCOUNTS: Readonly<Record<AccountName, Account>> = {
  alice: {
    name: "alice",
    tenant: HOME_TENANT,
    roles: [],
    profile: {
      id: "3b1f6d0a-5c27-4e8b-9a14-7d60c2e5f811",
      displayName: "Alice Example",
      givenName: "Alice",
      surname: "Example",
      userPrincipalName: "alice@contoso.example",
      mail: "alice@contoso.example",
      jobTitle: "Product Manager",
      department: "Product",
      officeLocation: "Building 2 / 204",
      mobilePhone: "+1 425 555 0101",
      businessPhones: ["+1 425 555 0100"],
      preferredLanguage: "en-US",
    },
  },
  bob: {
    name: "bob",
    tenant: HOME_TENANT,
    roles: [],
    profile: {
      id: "9e4a2c7d-08b3-4f15-b6d9-1c53e8a70f22",
      displayName: "Bob Sample",
      givenName: "Bob",
      surname: "Sample",
      userPrincipalName: "bob@contoso.example",
      mail: "bob@contoso.example",
      jobTitle: "Software Engineer",
      department: "Engineering",
      officeLocation: "Building 4 / 110",
      mobilePhone: null,
      businessPhones: [],
      preferredLanguage: "de-DE",
    },
  },
  admin: {
    name: "admin",
    tenant: HOME_TENANT,
    roles: ["Mcp.Admin"],
    profile: {
      id: "c5d81e36-7fa2-4609-83be-f0a94d271c33",
      displayName: "Ada Admin",
      givenName: "Ada",
      surname: "Admin",
      userPrincipalName: "admin@contoso.example",
      mail: "admin@contoso.example",
      jobTitle: "IT Administrator",
      department: "IT",
      officeLocation: "Building 1 / 001",
      mobilePhone: "+1 425 555 0103",
      businessPhones: ["+1 425 555 0104"],
      preferredLanguage: "en-GB",
    },
  },
  guest: {
    name: "guest",
    tenant: GUEST_TENANT,
    roles: [],
    profile: {
      id: "17f0b9e4-62cd-4a38-9d75-e83a5b04c644",
      displayName: "Grace Guest",
      givenName: "Grace",
      surname: "Guest",
      userPrincipalName: "guest@fabrikam.example",
      mail: "guest@fabrikam.example",
      jobTitle: "Consultant",
      department: "Advisory",
      officeLocation: "Remote",
      mobilePhone: null,
      businessPhones: [],
      preferredLanguage: "en-US",
    },
  },
};

/** The user-assigned managed identity that stands for the function app (`AZURE_CLIENT_ID` in Azure). */
export const MANAGED_IDENTITY = {
  clientId: "d1a90b6e-4f72-4c35-8e1d-0b7c6a5f9355",
  /** Its service principal: the `sub` of its tokens and the subject of the federated credential. */
  principalId: "e27c4d19-b860-4a5f-97e2-3f81d6c0a466",
  /** What `IDENTITY_HEADER` must hold, so that only a process that was told it gets tokens. */
  identityHeader: "stand-in-identity-header-for-development-only",
} as const;

/** An application registration. */
export interface Application {
  readonly clientId: string;
  readonly name: string;
  readonly secret: string;
  /** Registered as type `web`; the port is ignored, as Entra does for localhost. */
  readonly redirectUris: readonly string[];
  /** The principal whose managed-identity token counts as this application's credential. */
  readonly federatedSubject: string | undefined;
}

/** The MCP server's own registration (multi-tenant, so that `organizations` and `common` work too). */
export const APPLICATION: Application = {
  clientId: "c0ffee00-1a2b-4c3d-8e4f-5a6b7c8d9e0f",
  name: "Entra MCP server",
  secret: "stand-in-secret-for-development-only",
  redirectUris: ["http://localhost/callback", "http://127.0.0.1/callback"],
  federatedSubject: MANAGED_IDENTITY.principalId,
};

/** Microsoft Graph's application id: the `aud` of Graph tokens. */
export const GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000";

const TENANTS = [HOME_TENANT, GUEST_TENANT];

/** The path segments that stand for "whatever tenant the person is from". */
const ANY_TENANT = ["organizations", "common"];

/**
 * Reads the tenant segment of a path.
 *
 * @param segment a tenant id, a tenant's domain, `organizations` or `common`
 * @returns the tenant, `"any"`, or undefined where Entra would say AADSTS90002
 */
export function findTenant(segment: string): Tenant | "any" | undefined {
  const wanted = segment.toLowerCase();
  if (ANY_TENANT.includes(wanted)) {
    return "any";
  }
  return TENANTS.find(({ id, domain }) => id === wanted || domain === wanted);
}

/** Returns the accounts that may sign in through a tenant: its own members, or everybody for `"any"`. */
export function accountsOf(tenant: Tenant | "any"): Account[] {
  return Object.values(ACCOUNTS).filter(
    (account) => tenant === "any" || account.tenant.id === tenant.id,
  );
}

/** Returns the account with this short name, or undefined. */
export function findAccount(name: string): Account | undefined {
  return Object.values(ACCOUNTS).find((account) => account.name === name);
}
