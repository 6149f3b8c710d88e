/**
 * Two border elements of `vipr border` between sipp as call agents: calls with a ticket pass, calls without one die, and calls
 * that are up go on over kill -9.
 *
 *   sipp -- UDP --> acme's border ====== mutual TLS ======> nord's border -- UDP --> sipp
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Clock, Effect } from "effect";
import { openTicketIssuer } from "../../actors/ticket/mod.ts";
import { e164, nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { pemOf } from "../../runtime/keys.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { folder } from "./baresip.ts";
import { checkOf } from "./check.ts";
import { vipr, viprNow } from "./company-world.ts";
import { freePort, HOST, until } from "./peers.ts";
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
  recvLast,
  type Step,
  send,
  sipp,
} from "./sipp.ts";

const check = checkOf("border");
const CALLED = "+4930555001";
const SECRET = { epoch: 1, password: "the-secret-of-nord" } as const;
const START_TURNS = 3_000;

interface Element {
  readonly config: string;
  readonly inside: number;
  readonly outside: number;
  readonly agent: number;
}

/** The files of one domain's border element. */
const element = Effect.fn("interop.element")(function* (at: string, domain: string, root: Authority) {
  const [inside, outside, agent] = (yield* Effect.all([freePort, freePort, freePort])) as [number, number, number];
  const shown = yield* credentialsUnder(domain, root);
  const file = (name: string) => join(at, `${domain}.${name}`);
  writeFileSync(file("key"), pemOf(shown.key), { mode: 0o600 });
  writeFileSync(file("pem"), shown.certificates.map(pemCertificate).join(""));
  writeFileSync(file("secrets"), `domain ${domain}\nepoch ${SECRET.epoch}\npassword ${SECRET.password}\n`);
  writeFileSync(
    file("toml"),
    `domain = "${domain}"
data = "${file("data")}"
[border]
outside = "${HOST}:${outside}"
inside = ["udp:${HOST}:${inside}"]
call-agents = ["udp:${HOST}:${agent}"]
outside-private = true
certificate-file = "${file("pem")}"
key-file = "${file("key")}"
ca-file = "${join(at, "roots.pem")}"
secrets-file = "${file("secrets")}"
domain-calls-per-second-max = 1000
`,
  );
  return { config: file("toml"), inside, outside, agent } satisfies Element as Element;
});
type Authority = Effect.Success<ReturnType<typeof makeAuthority>>;

const serve = Effect.fn("interop.border")(function* ({ config }: Element) {
  const { child, said } = yield* vipr("border", "--config", config);
  yield* until("ready", () => /^ready$/m.test(said.text) || child.exitCode !== null, said, START_TURNS);
  return { child, said };
});

const pair = Effect.gen(function* () {
  const at = yield* folder;
  const root = yield* makeAuthority({ name: "interop border", nowMs: yield* Clock.currentTimeMillis });
  writeFileSync(join(at, "roots.pem"), pemCertificate(root.root));
  const acme = yield* element(at, "acme.example", root);
  const nord = yield* element(at, "nord.example", root);
  const issuer = yield* openTicketIssuer({
    grantingNode: nodeIdFrom(7n),
    grantingDomain: "nord.example",
    secret: SECRET,
  });
  const ticket = yield* issuer.issue({ number: e164(CALLED), grantedTo: "acme.example", vservice: vserviceId(1n) });
  const programs = { acme: yield* serve(acme), nord: yield* serve(nord) };
  const route = `Route: <sip:x@nord.example:${nord.outside};maddr=${HOST};transport=tls;lr>`;
  /** A caller's steps: the call is up for so long. */
  const talk = (upMs: number, shown: string | undefined): ReadonlyArray<Step> => [
    send("INVITE", {
      body: "secured",
      called: CALLED,
      lines: [route, ...(shown === undefined ? [] : [`X-Cisco-ViPR-Ticket: ${shown}`])],
    }),
    maybe(100, 180),
    recv(200),
    send("ACK", { called: CALLED }),
    pause(upMs),
    send("BYE", { called: CALLED }),
    recvLast(200),
  ];
  return { acme, nord, programs, ticket, talk };
});

const ANSWERS: ReadonlyArray<Step> = [
  hear("INVITE"),
  answer(180),
  answer(200, { body: "secured" }),
  hear("ACK"),
  hear("BYE"),
  answerWithin(200),
];

const hear100 = maybe(100);
const calls = check(
  "answered, busy, early media, CANCEL; without a ticket nobody answers",
  ["sipp"],
  Effect.gen(function* () {
    const { acme, nord, talk, ticket } = yield* pair;
    const [invite] = talk(0, ticket) as [Step];
    const [unticketed] = talk(0, undefined) as [Step];
    const of = { called: CALLED, isSameBranch: true } as const;
    const play = Effect.fnUntraced(function* (caller: ReadonlyArray<Step>, called: ReadonlyArray<Step> | undefined) {
      const phone = called === undefined ? undefined : yield* sipp({ port: nord.agent, steps: called });
      yield* Effect.sleep(150);
      const agent = yield* sipp({ port: acme.agent, to: acme.inside, steps: caller });
      yield* agent.ended;
      if (phone !== undefined) yield* phone.ended;
    });
    yield* play(talk(100, ticket), ANSWERS);
    yield* play([invite, hear100, recvLast(486), send("ACK", of)], [hear("INVITE"), answer(486), hear("ACK")]);
    yield* play(
      [invite, hear100, recv(183), ...talk(100, ticket).slice(2)],
      [hear("INVITE"), answer(183, { body: "secured" }), pause(50), ...ANSWERS.slice(2)],
    );
    yield* play(
      [invite, hear100, recv(180), pause(50), send("CANCEL", of), recvLast(200), recvLast(487), send("ACK", of)],
      [hearInvite(1), answer(180), hear("CANCEL"), answerWithin(200), answerCancelled(1), hear("ACK")],
    );
    // The caller gives up, as a call agent does after two seconds; by then nobody inside has heard of the call.
    yield* play([unticketed, recvLast(100), pause(2_000), send("CANCEL", of), recvLast(200)], undefined);
    same([reportOf(nord).reasons.refused, reportOf(nord).counters.admitted], [{ missing: 1 }, 4]);
  }),
);

const reportOf = ({ config }: Element) => JSON.parse(viprNow("calls", "--config", config, "--json")).programs[0];

const killed = check(
  "kill -9 of the called side's border element under 100 calls: each is hung up, and new calls are taken",
  ["sipp"],
  Effect.gen(function* () {
    const { acme, nord, programs, ticket, talk } = yield* pair;
    const many = { calls: 100, atOnce: 100 } as const;
    const called = yield* sipp({ port: nord.agent, steps: ANSWERS, calls: 101, atOnce: 101 });
    yield* Effect.sleep(200);
    const caller = yield* sipp({ port: acme.agent, to: acme.inside, steps: talk(6_000, ticket), ...many });
    let up = 0;
    for (let i = 0; i < 20 && up < 100; i++) {
      up = reportOf(nord).underWay;
      yield* Effect.sleep(100);
    }
    same(up, 100);
    programs.nord.child.kill("SIGKILL");
    yield* serve(nord);
    yield* caller.ended;
    const last = yield* sipp({ port: acme.agent, to: acme.inside, steps: talk(100, ticket), calls: 1, atOnce: 1 });
    yield* last.ended;
    yield* called.ended;
    same(reportOf(acme).underWay, 0);
    ok(!/\+4930555001/.test(programs.acme.said.text + programs.nord.said.text), "a whole number in the log");
  }),
);

export const checks: ReadonlyArray<InteropCheck> = [calls, killed];
