/** Finding a peer: the laws of the machine, a second reading of RFC 3263 beside it, and its own examples. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { parseUri, type SipUri } from "../../codecs/sip/mod.ts";
import {
  type DnsQuestion,
  type LocateInput,
  type LocateOutcome,
  locate,
  TARGETS_MAX,
  type Target,
  wantedBy,
} from "../../machines/locate/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { answerIn, at, DOMAIN, inputs, naptr, plainly, srv, type Zone, zones } from "./zone.ts";

machineLaws(locate, {
  inputs,
  events: () =>
    fc
      .record({
        zone: zones,
        kind: fc.constantFrom("NAPTR", "SRV", "A", "AAAA"),
        name: fc.constantFrom("_sip._udp.nord.example", DOMAIN, "a.nord.example"),
        id: fc.integer({ min: -1, max: 12 }),
      })
      .map(({ zone, kind, name, id }) => ({
        type: "answered" as const,
        id,
        answer: answerIn(zone, { kind, name } as DnsQuestion),
      })),
});

interface Walk {
  readonly outcome: LocateOutcome | undefined;
  readonly asked: ReadonlyArray<DnsQuestion>;
}
/** Plays the machine against a zone; what the zone has no answer for stays open until the timer fires. */
const walk = (input: LocateInput, zone: Zone, isSilent: (question: DnsQuestion) => boolean = () => false): Walk => {
  const asked: Array<DnsQuestion> = [];
  let outcome: LocateOutcome | undefined;
  let { snapshot, actions } = locate.start(input);
  for (;;) {
    const open = actions.flatMap((action) => (action.type === "ask" ? [action] : []));
    asked.push(...open.map(({ question }) => question));
    for (const action of actions) if (action.type === "report") outcome = action.outcome;
    if (locate.isDone(snapshot)) return { outcome, asked };
    const next: Array<(typeof actions)[number]> = [];
    const tell = (event: Parameters<typeof locate.step>[1]) => {
      const step = locate.step(snapshot, event);
      snapshot = step.snapshot;
      next.push(...step.actions);
    };
    for (const { id, question } of open)
      if (!isSilent(question)) tell({ type: "answered", id, answer: answerIn(zone, question) });
    if (next.length === 0 && !locate.isDone(snapshot)) tell({ type: "timerFired", timer: "answer" });
    actions = next;
  }
};
const targetsOf = (outcome: LocateOutcome | undefined): ReadonlyArray<Target> =>
  outcome?.type === "targets" ? outcome.targets : [];
const shown = (targets: ReadonlyArray<Target>): ReadonlyArray<string> =>
  targets.map(({ transport, host, port }) => `${transport} ${host} ${port}`);

test("RFC 3263 §4: what a second, plain implementation finds, in an order that it allows", () => {
  fc.assert(
    fc.property(zones, inputs, (zone, input) => {
      const found = shown(targetsOf(walk(input, zone).outcome));
      const left = [...found];
      const seen = new Set<string>();
      for (const group of plainly(zone, input)) {
        const servers = group.map(({ transport, hosts, port }) =>
          shown(hosts.map((host) => ({ transport, host, port, name: "" }))),
        );
        // Each server of the group is tried whole before the next one; what was named before is not named again.
        while (servers.length > 0) {
          const fresh = servers.map((server) => server.filter((one) => !seen.has(one)));
          const first = fresh.findIndex((server) => server.length === 0 || server.every((one, i) => left[i] === one));
          ok(first >= 0, `${left.join(", ")} begins with none of ${fresh.join(" | ")}`);
          for (const one of fresh[first]!) seen.add(one);
          left.splice(0, fresh[first]!.length);
          servers.splice(first, 1);
        }
      }
      same(left, []);
    }),
    { numRuns: 4 * runs },
  );
});

test("a target is of a transport that we speak and a family that we have, TLS for sips:, and there are few", () => {
  fc.assert(
    fc.property(zones, inputs, (zone, input) => {
      const targets = targetsOf(walk(input, zone).outcome);
      ok(targets.length <= TARGETS_MAX);
      for (const { transport, host, name } of targets) {
        ok(input.transports.includes(transport) && (!input.secure || transport === "TLS"));
        ok(input.families.includes(host.includes(":") ? "IPv6" : "IPv4"));
        same(name, input.name);
      }
    }),
    { numRuns: runs },
  );
});

test("whatever stays without an answer, it ends, and with what the answers give", () => {
  fc.assert(
    fc.property(zones, inputs, fc.func(fc.boolean()), (zone, input, isSilent) => {
      const { outcome, asked } = walk(input, zone, ({ kind, name }) => isSilent(kind, name));
      ok(outcome !== undefined);
      const isWhole = asked.every(({ kind, name }) => !isSilent(kind, name));
      if (outcome.type === "targets") same(outcome.isWhole, isWhole);
      else if (isWhole) ok(outcome.why !== "noAnswer");
    }),
    { numRuns: runs },
  );
});

const base: LocateInput = {
  secure: false,
  target: DOMAIN,
  name: DOMAIN,
  port: undefined,
  transport: undefined,
  transports: ["UDP", "TCP", "TLS"],
  families: ["IPv6", "IPv4"],
  seed: 1,
  answerMs: 1_500,
};
const found = (zone: Zone, more: Partial<LocateInput> = {}) =>
  shown(targetsOf(walk({ ...base, ...more }, zone).outcome));
const why = (zone: Zone, more: Partial<LocateInput> = {}) => {
  const { outcome } = walk({ ...base, ...more }, zone);
  return outcome?.type === "nowhere" ? outcome.why : undefined;
};

/** RFC 3263 §4.1. */
const EXAMPLE: Zone = {
  [`NAPTR ${DOMAIN}`]: [
    naptr(50, 50, "SIPS+D2T", `_sips._tcp.${DOMAIN}`),
    naptr(90, 50, "SIP+D2T", `_sip._tcp.${DOMAIN}`),
    naptr(100, 50, "SIP+D2U", `_sip._udp.${DOMAIN}`),
  ],
  [`SRV _sips._tcp.${DOMAIN}`]: [srv(0, 1, 5_061, "server1")],
  [`SRV _sip._tcp.${DOMAIN}`]: [srv(0, 1, 5_060, "server1"), srv(1, 2, 5_062, "server2")],
  "A server1": at("192.0.2.1"),
  "A server2": at("192.0.2.2"),
  "AAAA server2": at("2001:db8::2"),
};

test("RFC 3263 §4.1: its own example, for a client of UDP and TCP, and for one of TLS", () => {
  const servers = ["TCP 192.0.2.1 5060", "TCP 2001:db8::2 5062", "TCP 192.0.2.2 5062"];
  same(found(EXAMPLE, { transports: ["UDP", "TCP"] }), servers);
  same(found(EXAMPLE), ["TLS 192.0.2.1 5061"]);
  same(found(EXAMPLE, { secure: true }), ["TLS 192.0.2.1 5061"]);
  same(why(EXAMPLE, { secure: true, transports: ["UDP", "TCP"] }), "notOffered");
});

test("RFC 3263 §4.2: a port asks no SRV, an address asks nothing at all", () => {
  const zone = { [`A ${DOMAIN}`]: at("192.0.2.9"), [`SRV _sip._udp.${DOMAIN}`]: [srv(0, 0, 1, "server1")] };
  const { asked, outcome } = walk({ ...base, port: 5_060 }, zone);
  same(
    asked.map(({ kind }) => kind),
    ["AAAA", "A"],
  );
  same(shown(targetsOf(outcome)), ["UDP 192.0.2.9 5060"]);
  for (const [target, transport] of [
    ["192.0.2.7", "tls"],
    ["2001:db8::7", undefined],
  ] as const)
    same(walk({ ...base, target, transport }, zone).asked, []);
});

test("without NAPTR and SRV the domain itself, by UDP, or by TLS for sips:", () => {
  const zone = { [`A ${DOMAIN}`]: at("192.0.2.9") };
  same(found(zone), ["UDP 192.0.2.9 5060"]);
  same(found(zone, { secure: true }), ["TLS 192.0.2.9 5061"]);
  same(found(zone, { transports: ["TLS"] }), ["TLS 192.0.2.9 5061"]);
  same(found(zone, { transport: "tcp" }), ["TCP 192.0.2.9 5060"]);
});

test("RFC 2782: a target that is the root means that there is no such service", () => {
  const zone = { [`SRV _sip._udp.${DOMAIN}`]: [srv(0, 0, 0, "")], [`A ${DOMAIN}`]: at("192.0.2.9") };
  same(why(zone, { transports: ["UDP"] }), "notOffered");
  same(why(zone, { transport: "udp" }), "notOffered");
});

test("NAPTR for other services counts as none; for SIP over what we do not speak, as an answer", () => {
  const zone = { [`NAPTR ${DOMAIN}`]: [naptr(1, 1, "E2U+sip", "x")], [`A ${DOMAIN}`]: at("192.0.2.9") };
  same(found(zone), ["UDP 192.0.2.9 5060"]);
  same(found(zone, { transports: ["TCP", "UDP"] }), ["UDP 192.0.2.9 5060"]);
  same(why({ ...zone, [`NAPTR ${DOMAIN}`]: [naptr(1, 1, "SIP+D2S", "x")] }), "notOffered");
});

test("a network that loses NAPTR costs one round and no call", () => {
  const zone = {
    [`NAPTR ${DOMAIN}`]: "ETIMEOUT",
    [`SRV _sip._udp.${DOMAIN}`]: [srv(0, 0, 5_080, "server1")],
    "A server1": at("192.0.2.1"),
  };
  same(found(zone), ["UDP 192.0.2.1 5080"]);
  same(why({ [`NAPTR ${DOMAIN}`]: "ETIMEOUT" }), "noAnswer");
});

test("RFC 2782: among equals the first is drawn by weight, 0 seldom, and none is left out", () => {
  const records = [srv(0, 0, 1, "none"), srv(0, 25, 2, "quarter"), srv(0, 75, 3, "most")];
  const zone: Zone = {
    [`SRV _sip._udp.${DOMAIN}`]: records,
    "A none": at("192.0.2.1"),
    "A quarter": at("192.0.2.2"),
    "A most": at("192.0.2.3"),
  };
  const firsts = new Map<string, number>();
  const tries = 4_000;
  for (let seed = 0; seed < tries; seed++) {
    const all = found(zone, { seed: Math.imul(seed, 0x9e3779b1) >>> 0, transport: "udp" });
    same(all.length, 3);
    firsts.set(all[0]!, (firsts.get(all[0]!) ?? 0) + 1);
  }
  const share = (port: number) =>
    [...firsts].filter(([key]) => key.endsWith(` ${port}`)).reduce((sum, [, n]) => sum + n, 0) / tries;
  ok(Math.abs(share(2) - 25 / 101) < 0.03, `a quarter, not ${share(2)}`);
  ok(Math.abs(share(3) - 75 / 101) < 0.03, `three quarters, not ${share(3)}`);
  ok(share(1) > 0 && share(1) < 0.015, `one in a hundred, not ${share(1)}`);
});

test("RFC 6724 §2.1: native IPv6 before IPv4, and IPv4 before what is tunnelled or local", () => {
  const zone: Zone = {
    [`AAAA ${DOMAIN}`]: at("fd00::1", "2002:c000:201::1", "2001:db8::1"),
    [`A ${DOMAIN}`]: at("192.0.2.1"),
  };
  same(
    found(zone).map((text) => text.split(" ")[1]),
    ["2001:db8::1", "192.0.2.1", "2002:c000:201::1", "fd00::1"],
  );
  same(found(zone, { families: ["IPv4"] }), ["UDP 192.0.2.1 5060"]);
});

test("the time to live is the least of all that was used", () => {
  const { outcome } = walk(base, EXAMPLE);
  same(outcome?.type === "targets" && outcome.ttlS, 60);
});

test("what a URI wants: maddr is asked for, the host is to be proved; brackets and a final dot are not of the name", () => {
  const wants = (text: string) => {
    const parsed = parseUri(text);
    ok(parsed.ok);
    return wantedBy(parsed.value as SipUri);
  };
  same(wants("sips:x@Nord.example.;maddr=[2001:DB8::7];transport=TLS"), {
    secure: true,
    target: "2001:db8::7",
    name: DOMAIN,
    port: undefined,
    transport: "tls",
  });
  same(wants("sip:[2001:db8::1]:5070").target, "2001:db8::1");
});
