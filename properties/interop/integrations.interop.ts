/**
 * The configurations of docs/integrations with the exchange that each is for. Kamailio 5.6 asks our decision service; sipp is
 * the PBX, the border element and the trunk.
 */
import { match, ok, deepStrictEqual as same } from "node:assert";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect } from "effect";
import { e164, isE164 } from "../../codecs/shared/mod.ts";
import { decideCall, type LearnedRoute } from "../../machines/agent/mod.ts";
import { serveRoutes } from "../../runtime/route-service.ts";
import { bound } from "./bound.ts";
import { ended, freePort, HOST, outputOf, peer } from "./peers.ts";
import type { InteropCheck } from "./run.ts";

const TOKEN = "a token of the interop run";
const KNOWN = e164("+49305550901");
const UNKNOWN = e164("+49305550902");
const route: LearnedRoute = {
  number: KNOWN,
  uris: ["sip:x7@nord.example:5061;maddr=192.0.2.7;transport=tls"],
  ticket: "QUJD".repeat(90),
  expiresMs: Date.UTC(2040, 0, 1),
  grantingDomain: "nord.example",
  issuedMs: 0,
};
const rules = {
  isOwn: () => false,
  allowsNumber: () => true,
  allowsDomain: () => true,
  routeTo: (number: string) => (number === KNOWN ? route : undefined),
};

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-integrations-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

/** A UAS by sipp that logs what it received. */
const callee = Effect.fnUntraced(function* (path: string, name: string, scenario: string) {
  const port = yield* freePort;
  const log = join(path, `${name}.log`);
  const words = [
    "-sf",
    join(path, scenario),
    "-i",
    HOST,
    "-p",
    String(port),
    "-trace_msg",
    "-message_file",
    log,
    "-nostdin",
  ];
  const { said } = yield* peer("sipp", words);
  yield* bound(port, "UDP", said);
  return { port, said, received: () => (existsSync(log) ? readFileSync(log, "utf8") : "") };
});

/** `tag`: for a request that has none yet. */
const responseOf = (line: string, more = "", tag = ";tag=[call_number]"): string => `<![CDATA[
SIP/2.0 ${line}
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:]${tag}
[last_Call-ID:]
[last_CSeq:]
${more}Content-Length: 0

]]>`;
const scenarioOf = (name: string, steps: string): string =>
  `<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="${name}">${steps}</scenario>\n`;
const CONTACT = "Contact: <sip:[local_ip]:[local_port]>\n";
/** A callee that sends the Record-Route back, as sipp's own does not. */
const ANSWERING = scenarioOf(
  "answers",
  `<recv request="INVITE"/><send>${responseOf("180 Ringing")}</send>
<send retrans="500">${responseOf("200 OK", CONTACT)}</send><recv request="ACK"/>
<recv request="BYE"/><send>${responseOf("200 OK", "", "")}</send>`,
);
const REFUSING = scenarioOf(
  "refuses",
  `<recv request="INVITE"/><send>${responseOf("503 Service Unavailable")}</send><recv request="ACK"/>`,
);
const requestOf = (method: string, line: string, more = ""): string => `<![CDATA[
${method} ${line} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:+14085550201@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>${method === "INVITE" ? "" : "[peer_tag_param]"}
Call-ID: [call_id]
CSeq: ${method === "BYE" ? 2 : 1} ${method}
Contact: sip:caller@[local_ip]:[local_port]
${more}Max-Forwards: 70
Content-Length: 0

]]>`;
/** A caller that keeps the route set, as sipp's own does not. */
const CALLING = scenarioOf(
  "calls",
  `<send retrans="500">${requestOf("INVITE", "sip:[service]@[remote_ip]:[remote_port]")}</send>
<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="200" rrs="true"/>
<send>${requestOf("ACK", "[next_url]", "[routes]\n")}</send><pause milliseconds="50"/>
<send retrans="500">${requestOf("BYE", "[next_url]", "[routes]\n")}</send><recv response="200"/>`,
);

interface Ways {
  /** sipp's options for the border element; undefined: nobody there. */
  readonly border: "answers" | "refuses" | "away";
  readonly called: string;
  readonly service: "up" | "away" | "wrongToken";
}
/** One call by way of Kamailio; the INVITEs that border element and trunk received. */
const call = (ways: Ways) =>
  Effect.scoped(
    Effect.gen(function* () {
      const path = yield* folder;
      writeFileSync(join(path, "refusing.xml"), REFUSING);
      writeFileSync(join(path, "calling.xml"), CALLING);
      writeFileSync(join(path, "answering.xml"), ANSWERING);
      const trunk = yield* callee(path, "trunk", "answering.xml");
      const scenario = ways.border === "refuses" ? "refusing.xml" : "answering.xml";
      const border = ways.border === "away" ? undefined : yield* callee(path, "border", scenario);
      const decide = ({ called }: { readonly called: string }) =>
        decideCall(rules, isE164(called) ? called : undefined, Date.now());
      const awayPort = yield* freePort;
      const service =
        ways.service === "away"
          ? { port: awayPort }
          : yield* serveRoutes({ host: HOST, port: 0 }, { token: TOKEN, decide });
      const [listen, pbx] = [yield* freePort, yield* freePort];
      const defined = {
        PBX: `sip:${HOST}:${pbx}`,
        PBX_HOST: HOST,
        TRUNK: `sip:${HOST}:${trunk.port}`,
        BORDER: `sip:${HOST}:${border?.port ?? awayPort}`,
        ROUTE_URL: `http://${HOST}:${service.port}/route`,
        ROUTE_TOKEN: ways.service === "wrongToken" ? "another token" : TOKEN,
      };
      const words = Object.entries(defined).flatMap(([name, value]) => ["-A", `${name}="${value}"`]);
      words.push("-A", `LISTEN=udp:${HOST}:${listen}`); // an address, and no text
      const config = "docs/integrations/kamailio.cfg";
      const proxy = yield* peer("kamailio", ["-f", config, "-DD", "-E", "-w", path, "-Y", path, "-m", "32", ...words]);
      // Its workers are children, which it ends itself when it is asked to.
      yield* Effect.addFinalizer(() =>
        Effect.andThen(
          Effect.sync(() => proxy.child.kill("SIGTERM")),
          Effect.timeoutOption(ended(proxy.child), 5_000),
        ),
      );
      yield* bound(listen, "UDP", proxy.said);
      const caller = yield* peer("sipp", [
        ...["-sf", join(path, "calling.xml"), `${HOST}:${listen}`, "-s", ways.called, "-i", HOST, "-p", String(pbx)],
        ...["-m", "1", "-nostdin", "-timeout", "20"],
      ]);
      const code = yield* ended(caller.child);
      same(code, 0, `the call failed\n${proxy.said.text.slice(-2_000)}\n${caller.said.text.slice(-2_000)}`);
      const invites = (log: string) => log.split(/^-{3,}.*$/m).filter((text) => /^INVITE /m.test(text));
      return { atTrunk: invites(trunk.received()), atBorder: invites(border?.received() ?? "") };
    }),
  );

const one = (invites: ReadonlyArray<string>): string => {
  ok(invites.length >= 1, "no INVITE");
  return invites[0]!;
};

const goesToTrunk = (ways: Ways) => async () => {
  const { atTrunk } = await Effect.runPromise(call(ways));
  const invite = one(atTrunk);
  match(invite, new RegExp(`^INVITE sip:\\${ways.called}@`, "m"));
  ok(!/X-Cisco-ViPR-Ticket/i.test(invite), "the trunk saw the ticket");
  ok(!/nord\.example/.test(invite), "the trunk saw the route");
};
const needs = ["kamailio", "sipp"];
const onto = { border: "answers", called: KNOWN, service: "up" } as const;

export const checks: ReadonlyArray<InteropCheck> = [
  {
    name: "integrations: Kamailio sends a call with a route to the border element, with Route and ticket",
    needs,
    run: async () => {
      const { atTrunk, atBorder } = await Effect.runPromise(call(onto));
      same(atTrunk, []);
      const invite = one(atBorder);
      match(invite, /^INVITE sip:\+49305550901@nord\.example;user=phone SIP/m);
      match(invite, new RegExp(`^X-Cisco-ViPR-Ticket: ${route.ticket}\r?$`, "m"));
      match(invite, /^Route: <sip:x7@nord\.example:5061;maddr=192\.0\.2\.7;transport=tls;lr>\r?$/m);
    },
  },
  {
    name: "integrations: Kamailio, a number without a route: the trunk",
    needs,
    run: goesToTrunk({ ...onto, called: UNKNOWN }),
  },
  {
    name: "integrations: Kamailio, the border element refuses: the trunk, without ticket and route",
    needs,
    run: goesToTrunk({ ...onto, border: "refuses" }),
  },
  {
    name: "integrations: Kamailio, nobody at the border: the trunk",
    needs,
    run: goesToTrunk({ ...onto, border: "away" }),
  },
  {
    name: "integrations: Kamailio, the service away: the trunk",
    needs,
    run: goesToTrunk({ ...onto, service: "away" }),
  },
  {
    name: "integrations: Kamailio, another token: the trunk",
    needs,
    run: goesToTrunk({ ...onto, service: "wrongToken" }),
  },
  {
    name: "integrations: the Kamailio of the package reads the whole file",
    needs: ["kamailio"],
    run: async () => void (await outputOf("kamailio", ["-c", "-E", "-f", "docs/integrations/kamailio.cfg"])),
  },
];
