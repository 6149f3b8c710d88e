/**
 * Calls that have a route over the Internet and cannot take it, each for another reason: every one arrives over the trunk.
 *
 *   sipp, the exchange -- UDP --> call agent -- UDP --> sipp, the trunk
 *                                     +-- TCP --> acme's border ====> nord's border -- UDP --> sipp, nord's call agent
 */
import { match, deepStrictEqual as same } from "node:assert";
import { writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { Clock, Effect, type Scope } from "effect";
import { serveAgentProxy } from "../../actors/proxy/mod.ts";
import { e164 } from "../../codecs/shared/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { pemOf } from "../../runtime/keys.ts";
import { memoryStore } from "../../runtime/memory.ts";
import type { Ports } from "../../runtime/node.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { CALLED, element, grounds, SECRET, serve, ticketOf } from "./border-world.ts";
import { checkOf } from "./check.ts";
import { freePort, HOST, peer, until } from "./peers.ts";
import type { InteropCheck } from "./run.ts";
import { answer, answerWithin, hear, maybe, pause, recv, recvLast, type Step, send, sipp } from "./sipp.ts";
import { openRecords, recorded } from "./uploads.ts";

const check = checkOf("trunk");

const DAY_MS = 86_400_000;

const TALK: ReadonlyArray<Step> = [
  send("INVITE", { body: "secured", called: CALLED }),
  maybe(100, 180),
  recv(200),
  send("ACK", { called: CALLED }),
  pause(100),
  send("BYE", { called: CALLED }),
  recvLast(200),
];
/** No 180: sipp keeps to the first end of which it hears, and the trunk is another. */
const ANSWER = (body: "secured" | "plain"): ReadonlyArray<Step> => [
  hear("INVITE"),
  answer(200, { body }),
  hear("ACK"),
  hear("BYE"),
  answerWithin(200),
];
/** Two finals for one INVITE, as of two telephones: the first counts, the second is acknowledged, which sipp takes for the first ACK again. */
const TWICE: ReadonlyArray<Step> = [
  hear("INVITE"),
  answer(500),
  hear("ACK"),
  {
    xml: (side) =>
      answer(477)
        .xml(side)
        .replace("[last_CSeq:]", "CSeq: 1 INVITE")
        .replace(/\[last_To:\].*/, `To: <sip:${CALLED}@acme.example>;tag=another`)
        .replace('retrans="500"', ""),
  },
  pause(200),
];

/** A border element whose certificate none of ours believes. */
const stranger = Effect.fn("interop.stranger")(function* (at: string) {
  const root = yield* makeAuthority({ name: "somebody", nowMs: yield* Clock.currentTimeMillis });
  const { key, certificates } = yield* credentialsUnder("nord.example", root);
  const [keyFile, chain] = [join(at, "stranger.key"), join(at, "stranger.pem")];
  writeFileSync(keyFile, pemOf(key), { mode: 0o600 });
  writeFileSync(chain, certificates.map(pemCertificate).join(""));
  const port = yield* freePort;
  const words = ["s_server", "-accept", `${HOST}:${port}`, "-cert", chain, "-key", keyFile];
  const { said } = yield* peer("openssl", words);
  yield* until("openssl listens", () => said.text.includes("ACCEPT"), said);
  return port;
});

/** Takes connections and every byte, and says nothing. */
const silent = Effect.acquireRelease(
  Effect.callback<net.Server>((resume) => {
    const server = net.createServer((socket) => void socket.on("data", () => {}).on("error", () => {}));
    server.listen(0, HOST, () => resume(Effect.succeed(server)));
  }),
  (server) => Effect.sync(() => server.close()),
).pipe(Effect.map((server) => (server.address() as net.AddressInfo).port));

interface Way {
  /** Where the call agent reaches a border element. */
  readonly border: number;
  /** Where the route leads. */
  readonly outside: number;
  readonly ticket: string;
  /** What plays nord's call agent; undefined: nobody hears of the call there. */
  readonly nord?: ReadonlyArray<Step>;
}
type Case = readonly [what: string, reason: RegExp, way: Effect.Effect<Way, unknown, Ports | Scope.Scope>];

/** One call of acme's exchange. Gives why it fell back. */
const played = Effect.fn("interop.trunk")(function* (way: Way, nordPort: number) {
  const { border, outside, ticket, nord } = way;
  const [pbx, trunk] = [yield* freePort, yield* freePort];
  const store = memoryStore();
  const { made: records, record } = yield* openRecords(store);
  const vipr = { called: e164(CALLED), uri: `sip:x@nord.example:${outside};maddr=${HOST};transport=tls`, ticket };
  const proxy = yield* serveAgentProxy({
    listen: [
      { transport: "UDP", host: HOST, port: 0, side: "pbx" },
      { transport: "UDP", host: HOST, port: 0, side: "trunk" },
      { transport: "TCP", host: HOST, port: 0, side: "border" },
    ],
    peers: [
      { name: "pbx", side: "pbx", transport: "UDP", host: HOST, port: pbx },
      { name: "trunk1", side: "trunk", transport: "UDP", host: HOST, port: trunk },
      { name: "border", side: "border", transport: "TCP", host: HOST, port: border },
    ],
    route: () => ({ vipr, trunks: ["trunk1"] }),
    record,
    store,
  });
  const phones = [yield* sipp({ port: trunk, steps: ANSWER("secured") })];
  if (nord !== undefined) phones.push(yield* sipp({ port: nordPort, steps: nord }));
  const caller = yield* sipp({ port: pbx, to: proxy.listening[0]!.port, steps: TALK });
  yield* caller.ended;
  for (const { ended } of phones) yield* ended;
  yield* recorded(records, 1);
  return Object.entries(proxy.counters().fellBack).map(([why, times]) => `${why} ${times}`);
}, Effect.scoped);

const falls = check(
  "no border element, a silent one, TLS refused, tickets expired and voided, an answer in the clear, 500 then 477: the trunk",
  ["sipp", "openssl"],
  Effect.gen(function* () {
    const { at, root } = yield* grounds;
    const acme = yield* element(at, "acme.example", root);
    const nord = yield* element(at, "nord.example", root);
    const programs = [yield* serve(acme), yield* serve(nord)];
    const ticket = yield* ticketOf(SECRET);
    const swallows = yield* silent;
    const untrusted = yield* stranger(at);
    const good = { border: acme.inside, outside: nord.outside, ticket };
    const cases: ReadonlyArray<Case> = [
      ["our border element is down", /: unreachable 1$/, Effect.map(freePort, (border) => ({ ...good, border }))],
      ["our border element swallows everything", /: silent 1$/, Effect.succeed({ ...good, border: swallows })],
      ["theirs is down", /: refused 1$/, Effect.map(freePort, (outside) => ({ ...good, outside }))],
      // By the time for a stream, or by that for an answer: whichever is over first.
      [
        "theirs takes the connection and says nothing",
        /: (?:refused|silent) 1$/,
        Effect.succeed({ ...good, outside: swallows }),
      ],
      ["TLS: a certificate that nobody has signed", /: refused 1$/, Effect.succeed({ ...good, outside: untrusted })],
      [
        "a ticket that has expired",
        /: silent 1$/,
        Effect.map(ticketOf(SECRET, 100 * DAY_MS), (old) => ({ ...good, ticket: old })),
      ],
      [
        "a ticket of an epoch that was voided",
        /: silent 1$/,
        Effect.map(ticketOf({ ...SECRET, epoch: 2 }), (voided) => ({ ...good, ticket: voided })),
      ],
      ["an answer in the clear", /: refused 1$/, Effect.succeed({ ...good, nord: ANSWER("plain") })],
      ["500, then 477 with another tag", /: refused 1$/, Effect.succeed({ ...good, nord: TWICE })],
    ];
    for (const [what, reason, way] of cases) match(`${what}: ${yield* played(yield* way, nord.agent)}`, reason);
    for (const { said } of programs) same(/died|defect/i.test(said.text), false, said.text);
  }),
);
export const checks: ReadonlyArray<InteropCheck> = [falls];
