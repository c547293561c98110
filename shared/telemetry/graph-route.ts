/**
 * What a request to Microsoft Graph is for, without who or what it is about: the version, the first part of the
 * path, and what of a person is asked for. Ids, addresses and filters stay behind.
 */
export function graphRoute({ pathname }: URL): string {
  // OData also takes a key in brackets: /users('alice@example.com').
  const [version = "", first = "", second] = pathname
    .replaceAll(/\(.*?\)/g, "")
    .split("/")
    .slice(1);
  return first === "me" && second !== undefined
    ? `/${version}/me/${second}`
    : `/${version}/${first}`;
}
