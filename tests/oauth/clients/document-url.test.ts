import { describe, expect, it } from "vitest";
import { documentUrlFault } from "../../../shared/oauth/clients/document-url.ts";

describe("the URL of a document", () => {
  it.each([
    "https://client.example/metadata.json",
    "https://vscode.dev/oauth/client-metadata.json",
    "https://claude.ai/oauth/claude-code-client-metadata",
    "https://client.example/m?tenant=1",
    "https://xn--pple-43d.example/m",
  ])("may be %s", (url) => {
    expect(documentUrlFault(url)).toBeUndefined();
  });

  it.each([
    ["http", "http://client.example/m"],
    ["another scheme", "ftp://client.example/m"],
    ["no path", "https://client.example"],
    ["an empty path", "https://client.example/"],
    ["a fragment", "https://client.example/m#x"],
    ["an empty fragment", "https://client.example/m#"],
    ["user information", "https://known.example@client.example/m"],
    ["empty user information", "https://@client.example/m"],
    ["a password", "https://a:b@client.example/m"],
    ["a dot segment", "https://client.example/./m"],
    ["a double-dot segment", "https://client.example/a/../m"],
    ["an encoded dot segment", "https://client.example/%2e%2e/m"],
    ["a port", "https://client.example:8443/m"],
    ["the default port, spelt out", "https://client.example:443/m"],
    ["capitals in the host", "https://Client.example/m"],
    ["a host outside of ASCII", "https://clïent.example/m"],
    ["a backslash", "https://client.example\\m"],
    ["a line break", "https://client.example/m\n"],
    ["a trailing dot", "https://client.example./m"],
    ["an IPv4 address", "https://93.184.216.34/m"],
    ["a loopback address", "https://127.0.0.1/m"],
    ["a decimal IPv4 address", "https://2130706433/m"],
    ["an octal IPv4 address", "https://0177.0.0.1/m"],
    ["a hexadecimal IPv4 address", "https://0x7f.0.0.1/m"],
    ["a short IPv4 address", "https://127.1/m"],
    ["the metadata service's address", "https://169.254.169.254/metadata/instance"],
    ["an IPv6 address", "https://[2606:4700::1]/m"],
    ["an IPv4-mapped IPv6 address", "https://[::ffff:127.0.0.1]/m"],
    ["localhost", "https://localhost/m"],
    ["a name under localhost", "https://app.localhost/m"],
    ["a name without a dot", "https://intranet/m"],
    ["a .local name", "https://printer.local/m"],
    ["an .internal name", "https://metadata.google.internal/m"],
    ["an .arpa name", "https://router.home.arpa/m"],
    ["513 characters", `https://client.example/${"a".repeat(490)}`],
    ["no URL", "client"],
  ])("may not have %s", (_what, url) => {
    expect(documentUrlFault(url)).toBeTypeOf("string");
  });
});
