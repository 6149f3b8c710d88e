/** Whose certificate, and which way a request leaves a domain. RFC 5922 §7, RFC 3261 §16.5. */
import { deepStrictEqual as same } from "node:assert";
import { withList } from "../../codecs/sip/mod.ts";
import { domainsOf, outsideHopOf, routeOf } from "../../machines/sip/mod.ts";
import { test } from "../kit/harness.ts";
import { invite } from "./samples.ts";

const certificates: ReadonlyArray<
  readonly [string, ReadonlyArray<string>, ReadonlyArray<string>, ReadonlyArray<string>]
> = [
  ["a sip: URI is the domain", ["sip:Acme.Example"], ["other.example"], ["acme.example"]],
  ["DNS names serve when there is no sip: URI", ["https://acme.example/"], ["Acme.example"], ["acme.example"]],
  ["a URI with a user names a person", ["sip:alice@acme.example"], ["acme.example"], ["acme.example"]],
  ["sips: is not sip:", ["sips:acme.example"], [], []],
  ["a wildcard proves nothing", [], ["*.acme.example"], []],
  ["several domains are all proved", ["sip:a.example", "sip:b.example"], [], ["a.example", "b.example"]],
  ["a node of the overlay is no domain", ["reload://0123456789abcdef0123456789abcdef@vipr.example/"], [], []],
  ["nothing proves nothing", [], [], []],
];
for (const [what, uris, dnsNames, domains] of certificates)
  test(`domain: ${what}. RFC 5922 §7.1`, () => same(domainsOf({ uris, dnsNames }), domains));

const hops: ReadonlyArray<readonly [string, unknown]> = [
  [
    "<sip:x@acme.example:6000;maddr=192.0.2.9;transport=tls;lr>",
    { host: "192.0.2.9", port: 6_000, domain: "acme.example", isNamed: false },
  ],
  ["<sip:acme.example;transport=TLS>", { host: "acme.example", port: 5_061, domain: "acme.example", isNamed: true }],
  ["<sips:acme.example>", { host: "acme.example", port: 5_061, domain: "acme.example", isNamed: true }],
  [
    "<sip:acme.example;maddr=[2001:db8::1];transport=tls>",
    { host: "[2001:db8::1]", port: 5_061, domain: "acme.example", isNamed: false },
  ],
  ["<sip:acme.example;transport=tcp>", undefined],
  ["<sip:acme.example>", undefined],
  ["<tel:+1>", undefined],
];
for (const [route, hop] of hops)
  test(`route: ${route} leads to ${JSON.stringify(hop)}`, () =>
    same(outsideHopOf(withList(invite, "Route", [route])), hop));

test("route: a learned address becomes a loose Route; what is no SIP address becomes none", () => {
  same(
    routeOf("sip:17a==@acme.example:2371;maddr=1.2.3.4;transport=tls"),
    "<sip:17a%3D%3D@acme.example:2371;maddr=1.2.3.4;transport=tls;lr>".replaceAll("%3D", "="),
  );
  same(routeOf("sip:x@acme.example;lr"), "<sip:x@acme.example;lr>");
  same([routeOf("tel:+1"), routeOf("nonsense")], [undefined, undefined]);
});
