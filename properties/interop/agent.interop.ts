/**
 * The call agent's proxy between an exchange and trunks that others wrote: sipp and baresip as telephones, Kamailio as
 * exchange and as trunk, over UDP, TCP and TLS. Every telephone call gives one right record, and none that was none.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Clock, Effect, type Scope } from "effect";
import type { Credentials } from "../../actors/ports/mod.ts";
import { type AgentProxy, type AgentProxyOptions, serveAgentProxy } from "../../actors/proxy/mod.ts";
import { e164 } from "../../codecs/shared/mod.ts";
import type { CallReport, SipPeer, Transport } from "../../machines/proxy/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { pemOf } from "../../runtime/keys.ts";
import { memoryStore } from "../../runtime/memory.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { bound } from "./bound.ts";
import { checkOf } from "./check.ts";
import { ended, freePort, HOST, peer, until } from "./peers.ts";
import type { InteropCheck } from "./run.ts";
import {
  answer,
  answerCancelled,
  answerWithin,
  hear,
  hearInvite,
  maybe,
  pause,
  recv,
  type Sipp,
  type Step,
  send,
  sipp,
} from "./sipp.ts";
import { openRecords, recorded } from "./uploads.ts";

const check = checkOf("agent");

interface Between {
  readonly pbx: number;
  readonly trunks: ReadonlyArray<number>;
  readonly border?: number;
  readonly transport?: Transport;
  readonly credentials?: Credentials;
  readonly route?: AgentProxyOptions["route"];
  readonly timing?: AgentProxyOptions["timing"];
}

/** The proxy between a PBX and trunks at these ports. */
const agent = Effect.fn("interop.agent")(function* (between: Between) {
  const { pbx, trunks, border, transport = "UDP", credentials, route, timing } = between;
  const store = memoryStore();
  const { made: records, record } = yield* openRecords(store);
  const named = trunks.map(
    (port, i): SipPeer => ({ name: `trunk${i + 1}`, side: "trunk", transport, host: HOST, port }),
  );
  const borders: ReadonlyArray<SipPeer> =
    border === undefined ? [] : [{ name: "border", side: "border", transport: "TCP", host: HOST, port: border }];
  const proxy: AgentProxy = yield* serveAgentProxy({
    listen: [
      { transport, host: HOST, port: 0, side: "pbx" },
      { transport, host: HOST, port: 0, side: "trunk" },
      ...(border === undefined ? [] : [{ transport: "TCP", host: HOST, port: 0, side: "border" } as const]),
    ],
    peers: [{ name: "pbx", side: "pbx", transport, host: HOST, port: pbx }, ...named, ...borders],
    route: route ?? (() => ({ trunks: named.map(({ name }) => name) })),
    record,
    store,
    ...(credentials === undefined ? {} : { credentials }),
    ...(timing === undefined ? {} : { timing }),
  });
  const [forPbx, forTrunks] = proxy.listening.map(({ port }) => port) as [number, number];
  return { proxy, records, forPbx, forTrunks };
});

const ports = (count: number) => Effect.all(Array.from({ length: count }, () => freePort));

const HANGUP: ReadonlyArray<Step> = [send("BYE"), recv(200)];
const TALK = [send("INVITE", { body: "plain" }), maybe(100, 180, 183), recv(200), send("ACK"), pause(150), ...HANGUP];
const ANSWER = [
  hear("INVITE"),
  answer(180),
  answer(200, { body: "plain" }),
  hear("ACK"),
  hear("BYE"),
  answerWithin(200),
];

interface Case {
  readonly what: string;
  readonly caller: ReadonlyArray<Step>;
  readonly called: ReadonlyArray<Step>;
  readonly records: number;
}
const REFUSED = (status: number): Pick<Case, "caller" | "called"> => ({
  caller: [send("INVITE", { body: "plain" }), maybe(100, 180), recv(status), send("ACK", { isSameBranch: true })],
  called: [hear("INVITE"), answer(status), hear("ACK")],
});
const cases: ReadonlyArray<Case> = [
  { what: "answered", caller: TALK, called: ANSWER, records: 1 },
  { what: "busy", ...REFUSED(486), records: 0 },
  { what: "302", ...REFUSED(302), records: 0 },
  {
    what: "no answer: CANCEL",
    caller: [
      send("INVITE", { body: "plain" }),
      maybe(100),
      recv(180),
      pause(50),
      send("CANCEL", { isSameBranch: true }),
      recv(200),
      recv(487),
      send("ACK", { isSameBranch: true }),
    ],
    called: [hearInvite(), answer(180), hear("CANCEL"), answerWithin(200), answerCancelled(), hear("ACK")],
    records: 0,
  },
  {
    what: "early media",
    caller: [send("INVITE", { body: "plain" }), maybe(100), recv(183), recv(200), send("ACK"), pause(50), ...HANGUP],
    called: [
      hear("INVITE"),
      answer(183, { body: "plain" }),
      pause(50),
      answer(200, { body: "plain" }),
      hear("ACK"),
      hear("BYE"),
      answerWithin(200),
    ],
    records: 1,
  },
  {
    what: "hold, and back",
    caller: [
      ...TALK.slice(0, 4),
      send("INVITE", { body: "hold", cseq: 2 }),
      maybe(100),
      recv(200),
      send("ACK", { cseq: 2 }),
      pause(50),
      send("INVITE", { body: "plain", cseq: 3 }),
      maybe(100),
      recv(200),
      send("ACK", { cseq: 3 }),
      pause(50),
      ...HANGUP,
    ],
    called: [
      ...ANSWER.slice(0, 4),
      hear("INVITE"),
      answerWithin(200, { body: "plain" }),
      hear("ACK"),
      hear("INVITE"),
      answerWithin(200, { body: "plain" }),
      hear("ACK"),
      hear("BYE"),
      answerWithin(200),
    ],
    records: 1,
  },
  {
    what: "transfer by REFER",
    caller: [
      ...TALK.slice(0, 4),
      send("REFER", { cseq: 2, lines: ["Refer-To: <sip:+49305550999@192.0.2.9>"] }),
      recv(202),
      pause(50),
      ...HANGUP,
    ],
    called: [...ANSWER.slice(0, 4), hear("REFER"), answerWithin(202), hear("BYE"), answerWithin(200)],
    records: 1,
  },
  {
    what: "forked: two ring, the second answers",
    caller: TALK,
    called: [ANSWER[0]!, answer(180), otherwise(answer(183)), otherwise(ANSWER[2]!), ...ANSWER.slice(3)],
    records: 1,
  },
  {
    what: "407, and again with credentials",
    caller: [
      send("INVITE", { body: "plain" }),
      maybe(100),
      recv(407, { auth: true }),
      send("ACK", { isSameBranch: true }),
      send("INVITE", { body: "plain", cseq: -2, lines: ["[authentication]"] }),
      maybe(100, 180),
      recv(200),
      send("ACK", { cseq: 2 }),
      pause(50),
      ...HANGUP,
    ],
    called: [
      hear("INVITE"),
      answer(407, { lines: ['Proxy-Authenticate: Digest realm="pstn", nonce="abc", algorithm=MD5'] }),
      hear("ACK"),
      ...ANSWER,
    ],
    records: 1,
  },
];

/** From another telephone behind the same trunk. */
function otherwise(step: Step): Step {
  return { xml: (side) => step.xml(side).replace(";tag=[pid]s", ";tag=[pid]other") };
}

const straight = ({ what, caller, called, records }: Case, transport: "UDP" | "TCP"): InteropCheck =>
  check(
    `${what}, ${transport}`,
    ["sipp"],
    Effect.gen(function* () {
      const [pbx, trunk] = (yield* ports(2)) as [number, number];
      const { forPbx, records: made } = yield* agent({ pbx, trunks: [trunk], transport });
      const of = { transport } as const;
      const phone = yield* sipp({ port: trunk, steps: called, ...of });
      const exchange = yield* sipp({ port: pbx, to: forPbx, steps: caller, ...of });
      yield* exchange.ended;
      yield* phone.ended;
      yield* Effect.sleep(records === 0 ? 150 : 0);
      yield* recorded(made, records);
    }),
  );

/** A call out whose first trunks fail in this way. */
const failover = (what: string, first: (port: number) => Effect.Effect<unknown, unknown, Scope.Scope>): InteropCheck =>
  check(
    `failover: ${what}`,
    ["sipp"],
    Effect.gen(function* () {
      const [pbx, away, trunk] = (yield* ports(3)) as [number, number, number];
      yield* first(away);
      const { forPbx, records } = yield* agent({ pbx, trunks: [away, trunk], timing: { silenceMs: 300 } });
      const phone = yield* sipp({ port: trunk, steps: ANSWER });
      const exchange = yield* sipp({ port: pbx, to: forPbx, steps: TALK });
      yield* exchange.ended;
      yield* phone.ended;
      yield* recorded(records, 1, "trunk2");
    }),
  );

const SECURED: ReadonlyArray<Step> = [
  send("INVITE", { body: "secured" }),
  maybe(100, 180, 183),
  recv(200),
  send("ACK"),
  pause(50),
  ...HANGUP,
];
/** A call with a route over SIP. `border`: what stands at the border element's address. */
const routed = (
  what: string,
  border: ReadonlyArray<Step> | undefined,
  over: "border" | "trunk",
  fellBack: object = {},
): InteropCheck =>
  check(
    `route: ${what}`,
    ["sipp"],
    Effect.gen(function* () {
      const [pbx, trunk, at] = (yield* ports(3)) as [number, number, number];
      const { forPbx, records, proxy } = yield* agent({
        pbx,
        trunks: [trunk],
        border: at,
        timing: { attemptMs: 500 },
        route: () => ({
          vipr: { called: e164("+493055510"), uri: "sip:x@nord.example:5061;transport=tls", ticket: "VElDS0VU" },
          trunks: ["trunk1"],
        }),
      });
      const element = border === undefined ? undefined : yield* sipp({ port: at, steps: border, transport: "TCP" });
      const phone = over === "trunk" ? yield* sipp({ port: trunk, steps: ANSWER }) : undefined;
      const exchange = yield* sipp({ port: pbx, to: forPbx, steps: SECURED });
      yield* exchange.ended;
      if (phone !== undefined) yield* phone.ended;
      if (element !== undefined && over === "border") yield* element.ended;
      yield* recorded(records, over === "trunk" ? 1 : 0);
      same(proxy.counters().fellBack, fellBack);
    }),
  );

const many = check(
  "200 calls at once, UDP",
  ["sipp"],
  Effect.gen(function* () {
    const [pbx, trunk] = (yield* ports(2)) as [number, number];
    const { forPbx, records } = yield* agent({ pbx, trunks: [trunk] });
    const of: Pick<Sipp, "calls" | "atOnce"> = { calls: 200, atOnce: 200 };
    const phone = yield* sipp({ port: trunk, steps: ANSWER, ...of });
    const talk = TALK.map((step, i) => (i === 4 ? pause(1_500) : step));
    const exchange = yield* sipp({ port: pbx, to: forPbx, steps: talk, ...of });
    yield* exchange.ended;
    yield* phone.ended;
    yield* recorded(records, 200);
    for (const { startMs, stopMs } of records.uploaded) ok(stopMs - startMs >= 1_400);
  }),
);

/** Kamailio, whose telephones are at `inside` and which sends all else to `outside`. */
const kamailio = Effect.fn("interop.kamailio")(function* (of: {
  readonly name: string;
  readonly port: number;
  readonly transport: Transport;
  readonly outside: number;
  readonly inside: number;
  readonly plain: number;
  readonly pem?: string;
}) {
  const { name, port, transport, outside, inside, plain, pem = "" } = of;
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-kam-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
  );
  const by = transport.toLowerCase();
  const tls =
    transport === "TLS"
      ? `enable_tls=yes\nloadmodule "tls.so"\nmodparam("tls","private_key","${pem}/${name}.key")
modparam("tls","certificate","${pem}/${name}.pem")\nmodparam("tls","ca_list","${pem}/root.pem")
modparam("tls","verify_certificate",1)\nmodparam("tls","require_certificate",1)\nmodparam("tls","tls_method","TLSv1.2+")`
      : "";
  writeFileSync(
    join(folder, "kamailio.cfg"),
    `#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=1
${transport === "UDP" ? "disable_tcp=yes" : ""}
listen=udp:${HOST}:${plain}
listen=${by}:${HOST}:${port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
${tls}
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
    sl_send_reply("481", "No Dialog"); exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  t_check_trans();
  if (is_method("INVITE")) { record_route(); }
  if ($rp == ${plain}) { $du = "sip:${HOST}:${outside};transport=${by}"; }
  else { $du = "sip:${HOST}:${inside};transport=udp"; }
  t_relay();
}
`.replace("listen=udp", transport === "UDP" && plain === port ? "#" : "listen=udp"),
  );
  const { child, said } = yield* peer("kamailio", [
    "-f",
    join(folder, "kamailio.cfg"),
    ...["-m", "64", "-M", "16", "-DD", "-E", "-Y", folder],
  ]);
  // Killed outright it would leave its own processes behind.
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.sync(() => child.kill("SIGTERM")),
      ended(child),
    ),
  );
  yield* bound(plain, "UDP", said);
  yield* bound(port, transport === "UDP" ? "UDP" : "TCP", said);
  return said;
});

const pemFolder = Effect.fn("interop.pem")(function* () {
  const nowMs = yield* Clock.currentTimeMillis;
  const authority = yield* makeAuthority({ name: "interop", nowMs });
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-pem-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
  );
  mkdirSync(folder, { recursive: true });
  for (const name of ["pbx", "trunk"]) {
    const made = yield* credentialsUnder(`${name}.example`, authority);
    writeFileSync(join(folder, `${name}.key`), pemOf(made.key));
    writeFileSync(join(folder, `${name}.pem`), made.certificates.map(pemCertificate).join(""));
  }
  writeFileSync(join(folder, "root.pem"), pemCertificate(authority.root));
  return { folder, credentials: yield* credentialsUnder("agent.example", authority) };
});

/** sipp, Kamailio, our proxy, Kamailio, sipp. */
const exchanges = (transport: Transport, calls: number): InteropCheck =>
  check(
    `Kamailio as exchange and as trunk, ${transport}, ${calls} calls`,
    ["sipp", "kamailio"],
    Effect.gen(function* () {
      const [caller, called, pbx, trunk, inPbx, inTrunk] = (yield* ports(6)) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const pem = transport === "TLS" ? yield* pemFolder() : undefined;
      const secured = pem === undefined ? {} : { credentials: pem.credentials };
      const { forPbx, records } = yield* agent({ pbx, trunks: [trunk], transport, ...secured });
      const folder = pem === undefined ? {} : { pem: pem.folder };
      yield* kamailio({ name: "pbx", port: pbx, transport, outside: forPbx, inside: caller, plain: inPbx, ...folder });
      yield* kamailio({ name: "trunk", port: trunk, transport, outside: 9, inside: called, plain: inTrunk, ...folder });
      const of = { calls, atOnce: calls };
      const phone = yield* sipp({ port: called, steps: ANSWER, ...of });
      const exchange = yield* sipp({ port: caller, to: inPbx, steps: TALK, ...of });
      yield* exchange.ended;
      yield* phone.ended;
      yield* recorded(records, calls);
    }),
  );

/** Real telephones: one calls the other by our proxy, and hangs up after a second. */
const telephones = check(
  "baresip calls baresip, UDP",
  ["baresip"],
  Effect.gen(function* () {
    const [pbx, trunk] = (yield* ports(2)) as [number, number];
    const { forPbx, records } = yield* agent({ pbx, trunks: [trunk] });
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-baresip-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
    );
    const phone = (name: string, port: number, account: string, more: ReadonlyArray<string> = []) => {
      const at = join(folder, name);
      mkdirSync(at);
      writeFileSync(
        join(at, "config"),
        `sip_listen ${HOST}:${port}
audio_player aufile,/dev/null
audio_source aubridge,a
audio_alert aufile,/dev/null
net_interface 127.0.0.1
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
module_app account.so
module_app menu.so
`.replace("audio_player aufile,/dev/null", "audio_player aubridge,b"),
      );
      writeFileSync(join(at, "accounts"), `${account}\n`);
      writeFileSync(join(at, "contacts"), "");
      return peer("baresip", ["-f", at, ...more]);
    };
    const called = yield* phone("called", trunk, `<sip:+4930555001@${HOST}:${trunk}>;regint=0;answermode=auto`);
    yield* until("baresip is ready", () => /baresip is ready/.test(called.said.text), called.said);
    const { said } = yield* phone(
      "caller",
      pbx,
      `<sip:+14085550201@${HOST}:${pbx}>;regint=0;outbound="sip:${HOST}:${forPbx}"`,
      ["-e", `/dial sip:+4930555001@${HOST}:${forPbx}`, "-t", "3"],
    );
    yield* until("a record", () => records.uploaded.length > 0, said);
    const [{ startMs, stopMs, requestUri }] = records.reports as [CallReport];
    ok(stopMs > startMs && requestUri.includes("+4930555001"), said.text);
  }),
);

const SILENT: ReadonlyArray<Step> = [hear("INVITE"), pause(3_000)];
const silently = (port: number) => Effect.asVoid(sipp({ port, steps: SILENT }));

export const checks: ReadonlyArray<InteropCheck> = [
  ...cases.map((one) => straight(one, "UDP")),
  straight(cases[0]!, "TCP"),
  straight(cases[3]!, "TCP"),
  failover("nobody there", () => Effect.void),
  failover("silence", silently),
  failover("503", (port) => Effect.asVoid(sipp({ port, steps: REFUSED(503).called }))),
  routed(
    "over the border element",
    [hear("INVITE"), answer(180), answer(200, { body: "secured" }), hear("ACK"), hear("BYE"), answerWithin(200)],
    "border",
  ),
  routed("border away", undefined, "trunk", { unreachable: 1 }),
  routed("border silent", SILENT, "trunk", { silent: 1 }),
  routed("ticket expired: 403", [hear("INVITE"), answer(403), hear("ACK")], "trunk", { refused: 1 }),
  routed(
    "an answer in the clear",
    [hear("INVITE"), answer(200, { body: "plain" }), hear("ACK"), hear("BYE"), answerWithin(200)],
    "trunk",
    { answerNotSecured: 1 },
  ),
  exchanges("UDP", 20),
  exchanges("TCP", 20),
  exchanges("TLS", 5),
  many,
  telephones,
];
