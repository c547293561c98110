/** Whose sessions all are, as far as Entra would know. */
export const IDENTITY = {
  tenantId: "5f3c1a52-9d0e-4b7a-8c61-2e4d7f9a1b30",
  objectId: "3b1f6d0a-5c27-4e8b-9a14-7d60c2e5f811",
  roles: [],
};
