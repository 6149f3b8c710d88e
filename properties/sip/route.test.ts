/** Whose certificate, which way, and what a proxy writes on what it passes on. RFC 5922 §7, RFC 3261 §16, RFC 5658. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { headerOf, listOf, withHeader, withList } from "../../codecs/sip/mod.ts";
import { borderSelf, domainsOf, forwardedOf, outsideHopOf, routeOf, withoutOurRoutes } from "../../machines/sip/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { request } from "./arbitrary.ts";
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

const self = borderSelf({
  domain: "nord.example",
  outside: { host: "192.0.2.1", port: 5_061 },
  inside: { host: "127.0.0.1", port: 5_060 },
});

test("route: our own Routes go, the others stay in their order. RFC 3261 §16.4", () => {
  const routes = [
    "<sip:x7@nord.example:5061;maddr=192.0.2.1;transport=tls;lr>",
    "<sip:127.0.0.1:5060;transport=tcp;lr>",
    "<sip:acme.example:5061;maddr=192.0.2.9;transport=tls;lr>",
    "<sip:nord.example:5061;lr>",
  ];
  same(listOf(withoutOurRoutes(withList(invite, "Route", routes), self)!, "Route"), routes.slice(2));
  same(withoutOurRoutes(withList(invite, "Route", ["<nonsense>"]), self), undefined);
});

const target = "sip:ben@198.51.100.1:5061;transport=tls";
const byStrictRouter = (uri: string) => {
  const routes = ["<sip:other.example;lr>", `<${target}>`];
  const bare = withoutOurRoutes(withList({ ...invite, uri }, "Route", routes), self)!;
  return [bare.uri, listOf(bare, "Route").length];
};
test("route: what we recorded comes back in the Request-URI from a strict router, in any order. RFC 3261 §16.4", () => {
  for (const to of ["inside", "outside"] as const)
    for (const { value } of self.recordRoutes[to]) same(byStrictRouter(value.slice(1, -1)), [target, 1]);
  same(byStrictRouter("SIP:NORD.example:5061;LR;Transport=TLS;maddr=192.0.2.1"), [target, 1]);
});

test("route: a Request-URI that names us and is not what we recorded stays the target", () =>
  same(
    [
      "sip:nord.example:5061;lr",
      "sip:nord.example;maddr=192.0.2.1;transport=tls;lr",
      "sip:nord.example:5061;maddr=192.0.2.1;transport=tls",
      "sip:nord.example:5061;maddr=192.0.2.7;transport=tls;lr",
      "sip:nord.example:5061;maddr=192.0.2.1;transport=tls;lr;x",
      "sip:nord.example:5061;maddr=192.0.2.1;transport=tls;lr=on",
      "sip:nord.example:5061;maddr=192.0.2.1;transport=tls;lr?Subject=x",
      "sips:nord.example:5061;maddr=192.0.2.1;transport=tls;lr",
      "sip:+14085550100@nord.example:5061;maddr=192.0.2.1;transport=tls;lr",
      "sip::x@127.0.0.1:5060;transport=tcp;lr",
      "sip:127.0.0.1:5060;transport=udp;lr",
      "sip:127.0.0.1:5060;lr",
      "sip:192.0.2.1:5061;transport=tls;lr",
    ].filter((uri) => byStrictRouter(uri)[0] !== uri),
    [],
  ));

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

test("proxy: what is passed on has one hop fewer, our Via on top, and all else as it was", () =>
  fc.assert(
    fc.property(request, fc.constantFrom("inside", "outside"), (request, to) => {
      const sent = forwardedOf(withHeader(request, "Max-Forwards", "17"), to, "z9hG4bKnew", self);
      same(headerOf(sent, "Max-Forwards"), "16");
      const [first, ...others] = listOf(sent, "Via");
      ok(first!.endsWith(";branch=z9hG4bKnew"));
      same(others, listOf(request, "Via"));
      const ours = new Set(["Via", "Max-Forwards", "Record-Route"]);
      const rest = ({ headers }: typeof request) => headers.filter(({ name }) => !ours.has(name));
      same([rest(sent), sent.body, sent.uri], [rest(request), request.body, request.uri]);
      same(listOf(sent, "Record-Route").length, request.method === "INVITE" ? 2 : 0);
    }),
    { numRuns: runs },
  ));
test("proxy: both its sides are recorded, the one that it leaves by first. RFC 5658 §5", () => {
  const outwards = [
    "<sip:nord.example:5061;maddr=192.0.2.1;transport=tls;lr>",
    "<sip:127.0.0.1:5060;transport=tcp;lr>",
  ];
  same(listOf(forwardedOf(invite, "outside", "z9hG4bKn", self), "Record-Route"), outwards);
  same(listOf(forwardedOf(invite, "inside", "z9hG4bKn", self), "Record-Route"), [...outwards].reverse());
});
