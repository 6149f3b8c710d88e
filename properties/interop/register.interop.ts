/**
 * A telephone that registers at its carrier by way of the agent: Kamailio as registrar with RFC 3327, baresip as telephone.
 *
 *   baresip --REGISTER--> agent --REGISTER, Path: agent--> Kamailio: location of +1408... is baresip by way of the agent
 *   sipp ----INVITE-----> Kamailio --Route: agent--> agent --> baresip
 */
import { match, ok, deepStrictEqual as same } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect } from "effect";
import { serveAgentProxy } from "../../actors/proxy/mod.ts";
import type { CallReport } from "../../machines/proxy/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { bound } from "./bound.ts";
import { ended, freePort, HOST, peer, until } from "./peers.ts";
import type { InteropCheck } from "./run.ts";

const NUMBER = "+14085550201";
/** A telephone of RFC 5626 writes a Contact with `gr` and without a port, RFC 5627: it is found at its own host and the usual one. */
const PHONE = { host: "127.0.0.5", port: 5_060 };

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-register-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

const registrar = (port: number): string => `#!KAMAILIO
log_stderror=yes
disable_tcp=yes
children=1
listen=udp:${HOST}:${port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "use_path", 1)
modparam("registrar", "path_mode", 2)
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("REGISTER")) {
    xlog("L_ERR", "REGISTERED path=$hdr(Path) contact=$ct\\n");
    save("location");
    exit;
  }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
    sl_send_reply("481", "No Dialog"); exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  if (is_method("INVITE")) { record_route(); }
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  t_relay();
}
`;

const CALLER = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="calls"><send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:+4930555001@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 6000 RTP/AVP 8

]]></send><recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:+4930555001@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
[routes]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send><pause milliseconds="300"/><send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:+4930555001@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
[routes]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send><recv response="200"/></scenario>
`;

const CONFIG = `sip_listen ${PHONE.host}:${PHONE.port}
audio_player aubridge,b
audio_source aubridge,a
audio_alert aubridge,c
net_interface ${PHONE.host}
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
module_tmp uuid.so
module_app account.so
module_app menu.so
`;

const registered = Effect.gen(function* () {
  const path = yield* folder;
  const at = (name: string) => join(path, name);
  const carrier = yield* freePort;
  const reports: Array<CallReport> = [];
  const proxy = yield* serveAgentProxy({
    listen: [
      { transport: "UDP", host: HOST, port: 0, side: "pbx" },
      { transport: "UDP", host: HOST, port: 0, side: "trunk" },
    ],
    peers: [
      { name: "pbx", side: "pbx", transport: "UDP", ...PHONE },
      { name: "carrier", side: "trunk", transport: "UDP", host: HOST, port: carrier },
    ],
    route: () => ({ trunks: ["carrier"] }),
    record: (ended) => Effect.sync(() => void reports.push(...ended)),
  });
  const [forPhone, forCarrier] = proxy.listening.map(({ port }) => port) as [number, number];
  writeFileSync(at("kamailio.cfg"), registrar(carrier));
  const kamailio = yield* peer("kamailio", ["-f", at("kamailio.cfg"), "-DD", "-E", "-w", path, "-Y", path, "-m", "64"]);
  // Its workers are children, which it ends itself when it is asked to.
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.sync(() => kamailio.child.kill("SIGTERM")),
      Effect.timeoutOption(ended(kamailio.child), 5_000),
    ),
  );
  yield* bound(carrier, "UDP", kamailio.said);
  mkdirSync(at("phone"));
  writeFileSync(at("phone/config"), CONFIG);
  writeFileSync(at("phone/contacts"), "");
  writeFileSync(
    at("phone/accounts"),
    `<sip:${NUMBER}@${PHONE.host}>;auth_pass=none;regint=60;answermode=auto;sipnat=outbound;outbound="sip:${HOST}:${forPhone}"\n`,
  );
  const telephone = yield* peer("baresip", ["-f", at("phone")]);
  yield* until("the registration", () => /REGISTERED/.test(kamailio.said.text), {
    get text() {
      return `${kamailio.said.text}\n${telephone.said.text}`;
    },
  });
  match(kamailio.said.text, new RegExp(`REGISTERED path=<sip:${HOST}:${forCarrier};lr>`));
  yield* Effect.sleep(300);
  writeFileSync(at("calls.xml"), CALLER);
  const caller = yield* peer("sipp", [
    ...[
      "-sf",
      at("calls.xml"),
      `${HOST}:${carrier}`,
      "-s",
      NUMBER,
      "-i",
      HOST,
      "-m",
      "1",
      "-nostdin",
      "-timeout",
      "20",
    ],
  ]);
  same(yield* ended(caller.child), 0, `${caller.said.text.slice(-1_500)}\n${telephone.said.text.slice(-1_500)}`);
  for (let i = 0; i < 500 && reports.length === 0; i++) yield* Effect.sleep(10);
  const [{ direction, trunk, requestUri }] = reports as [CallReport];
  same([reports.length, direction, trunk], [1, "received", "carrier"]);
  ok(requestUri.includes(NUMBER), requestUri);
});

export const checks: ReadonlyArray<InteropCheck> = [
  {
    name: "agent: baresip registers at Kamailio by way of the agent, whose Path brings a call back",
    needs: ["kamailio", "baresip", "sipp"],
    run: () => Effect.runPromise(registered.pipe(Effect.scoped, Effect.provide(nodeLayer())) as Effect.Effect<void>),
  },
];
