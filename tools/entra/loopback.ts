/** Whether a URL's host name is this machine: `localhost`, `127.0.0.1` or `[::1]`. */
export function isLoopback(hostname: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname.toLowerCase());
}
