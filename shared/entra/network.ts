import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from "@azure/msal-node";

const TIMEOUT_MS = 10_000;

/** MSAL's way to the network, with the deadline that its own lacks: a slow Entra is an outage, not a hang. */
export const boundedNetwork: INetworkModule = {
  sendGetRequestAsync: (url, options) => send("GET", url, options),
  sendPostRequestAsync: (url, options) => send("POST", url, options),
};

async function send<T>(
  method: "GET" | "POST",
  url: string,
  options: NetworkRequestOptions = {},
): Promise<NetworkResponse<T>> {
  const response = await fetch(url, {
    method,
    headers: options.headers ?? {},
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(options.body !== undefined && { body: options.body }),
  });
  return {
    headers: Object.fromEntries(response.headers),
    status: response.status,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- MSAL names the type and checks the content
    body: (await response.json()) as T,
  };
}
