/** Ids that mean the same in every tenant, by the name that stands beside them in the Bicep. */
export const KNOWN_IDS: Readonly<Record<string, string>> = {
  // Built-in roles of Azure
  blobDataOwner: "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
  tableDataContributor: "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
  cryptoServiceEncryptionUser: "e147488a-f6f5-4113-8e2d-b22465e65bf6",
  monitoringMetricsPublisher: "3913510d-42f4-4e42-8a64-420c390055eb",
  // Microsoft Graph, and what it lets an app ask people for
  microsoftGraph: "00000003-0000-0000-c000-000000000000",
  openid: "37f7f235-527c-4136-accd-4a02d197296e",
  profile: "14dad69e-099b-42c9-810b-d002981feec1",
  offline_access: "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
  "User.Read": "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
  "Calendars.Read": "465a38f9-76ea-45b9-9f34-9e8b0d4b0b42",
};
