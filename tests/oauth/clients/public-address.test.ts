import { describe, expect, it } from "vitest";
import { isPublicAddress } from "../../../shared/oauth/clients/public-address.ts";

describe("an address that strangers may have us connect to", () => {
  it.each(["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])(
    "may be %s",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    ["this host", "0.0.0.0"],
    ["loopback", "127.0.0.1"],
    ["all of loopback", "127.255.255.254"],
    ["private 10/8", "10.0.0.1"],
    ["private 172.16/12", "172.31.255.1"],
    ["private 192.168/16", "192.168.1.1"],
    ["carrier-grade NAT", "100.64.0.1"],
    ["the metadata service", "169.254.169.254"],
    ["Azure's platform address", "168.63.129.16"],
    ["IETF protocol assignments", "192.0.0.8"],
    ["documentation", "203.0.113.1"],
    ["benchmarking", "198.18.0.1"],
    ["multicast", "224.0.0.1"],
    ["reserved", "240.0.0.1"],
    ["broadcast", "255.255.255.255"],
    ["IPv6 unspecified", "::"],
    ["IPv6 loopback", "::1"],
    ["IPv4-mapped loopback", "::ffff:127.0.0.1"],
    ["IPv4-mapped metadata service", "::ffff:a9fe:a9fe"],
    ["IPv4-mapped public", "::ffff:8.8.8.8"],
    ["IPv4-compatible", "::10.0.0.1"],
    ["IPv4-translated", "::ffff:0:10.0.0.1"],
    ["NAT64", "64:ff9b::10.0.0.1"],
    ["local NAT64", "64:ff9b:1::10.0.0.1"],
    ["6to4", "2002:7f00:1::"],
    ["Teredo", "2001::1"],
    ["link-local", "fe80::1"],
    ["link-local with a zone", "fe80::1%eth0"],
    ["site-local", "fec0::1"],
    ["unique local", "fd00:ec2::254"],
    ["IPv6 documentation", "2001:db8::1"],
    ["IPv6 multicast", "ff02::1"],
    ["discard", "100::1"],
    ["unassigned IPv6", "4000::1"],
    ["no address", "client.example"],
    ["nothing", ""],
  ])("may not be %s", (_what, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});
