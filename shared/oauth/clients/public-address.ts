import ipaddr from "ipaddr.js";

/** Inside of Azure this one, in a public range, answers with the platform's own services (DNS, health, agent). */
const AZURE_PLATFORM = "168.63.129.16";

const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * Whether an address is one of the public Internet. Private, link-local (the metadata service of a cloud),
 * loopback and reserved ones are not, nor is any IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4,
 * Teredo): what it leads to is decided elsewhere.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  // Only this much of IPv6 is given out (RFC 4291 §2.4); the rest is for purposes not yet known.
  if (parsed instanceof ipaddr.IPv6) return parsed.match(GLOBAL_IPV6);
  return parsed.toString() !== AZURE_PLATFORM;
}
