import { APPLICATION, GUEST_TENANT, HOME_TENANT, MANAGED_IDENTITY } from "./directory.ts";
import type { Application, Tenant } from "./directory.ts";

/** What another program needs to be allowed to publish; assigned to applications, never to people. */
export const PUBLISH_ROLE = "Mcp.Publish";

/** An application or a managed identity as it exists in one tenant, where it can act as itself. */
export interface ServicePrincipal {
  /** The object id: `oid` and `sub` of its tokens. */
  readonly id: string;
  /** The application or identity that it stands for: `azp` of its tokens. */
  readonly clientId: string;
  readonly tenant: Tenant;
  /** App roles of our application that are assigned to it; in its tokens as `roles` when there are any. */
  readonly roles: readonly string[];
}

/** The managed identity of another system in Azure, to which the role is assigned. */
export const PUBLISHER_IDENTITY = {
  clientId: "927c610a-9b33-497a-9900-3eb4e8516c53",
  principalId: "078d7651-2e5e-435d-9c88-2658b085e50c",
} as const;

function appClient(clientId: string, name: string, federatedSubject?: string): Application {
  return {
    clientId,
    name,
    secret: `stand-in-${name}-secret-for-development-only`,
    redirectUris: [],
    federatedSubject,
  };
}

/** Another system that publishes, with a secret or with the token of its managed identity: the role is assigned. */
export const PUBLISHER = appClient(
  "078a8a99-b770-427d-b399-20e9fb8a4ec2",
  "publisher",
  PUBLISHER_IDENTITY.principalId,
);

/** Another system that nobody gave the role: Entra issues it a token all the same, without `roles`. */
export const NO_ROLE = appClient("37f90a1b-dd31-4314-9978-455639da74f6", "no-role");

/**
 * A publisher of the other tenant: our application is multi-tenant, so the administrator there can assign the role
 * too, and the token differs in nothing but `tid` and `iss`.
 */
export const FOREIGN_PUBLISHER = appClient(
  "91e5f494-a092-494f-99a1-5127c23bd517",
  "foreign-publisher",
);

const APPLICATIONS: readonly Application[] = [APPLICATION, PUBLISHER, NO_ROLE, FOREIGN_PUBLISHER];

const SERVICE_PRINCIPALS: readonly ServicePrincipal[] = [
  {
    id: "a20b80f1-d309-4475-bf16-36bb675c8330",
    clientId: APPLICATION.clientId,
    tenant: HOME_TENANT,
    roles: [],
  },
  {
    id: "5fd763f6-9ea7-4bc0-9226-18aefa2af4de",
    clientId: APPLICATION.clientId,
    tenant: GUEST_TENANT,
    roles: [],
  },
  {
    id: "20df8f87-919b-4a2d-9696-c2da23880661",
    clientId: PUBLISHER.clientId,
    tenant: HOME_TENANT,
    roles: [PUBLISH_ROLE],
  },
  {
    id: "05a41754-6e1c-4986-a0d3-e82bb46a589d",
    clientId: NO_ROLE.clientId,
    tenant: HOME_TENANT,
    roles: [],
  },
  {
    id: "c9755b73-173f-4f8c-bee1-52789584e119",
    clientId: FOREIGN_PUBLISHER.clientId,
    tenant: GUEST_TENANT,
    roles: [PUBLISH_ROLE],
  },
  {
    id: MANAGED_IDENTITY.principalId,
    clientId: MANAGED_IDENTITY.clientId,
    tenant: HOME_TENANT,
    roles: [],
  },
  {
    id: PUBLISHER_IDENTITY.principalId,
    clientId: PUBLISHER_IDENTITY.clientId,
    tenant: HOME_TENANT,
    roles: [PUBLISH_ROLE],
  },
];

/** Returns the registration with this client id, or undefined (AADSTS700016). */
export function findApplication(clientId: string): Application | undefined {
  return APPLICATIONS.find((application) => application.clientId === clientId.toLowerCase());
}

/** Returns what stands for an application or identity in a tenant, or undefined (AADSTS7000229). */
export function findServicePrincipal(
  clientId: string,
  tenant: Tenant,
): ServicePrincipal | undefined {
  return SERVICE_PRINCIPALS.find(
    (principal) =>
      principal.clientId === clientId.toLowerCase() && principal.tenant.id === tenant.id,
  );
}
