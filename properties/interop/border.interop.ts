/**
 * Two border elements of `vipr border` between sipp as call agents: calls with a ticket pass, calls without one die, and calls
 * that are up go on over kill -9.
 *
 *   sipp -- UDP --> acme's border ====== mutual TLS ======> nord's border -- UDP --> sipp
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { CALLED, element, grounds, reportOf, SECRET, serve, ticketOf } from "./border-world.ts";
import { checkOf } from "./check.ts";
import { HOST } from "./peers.ts";
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
const pair = Effect.gen(function* () {
  const { at, root } = yield* grounds;
  const acme = yield* element(at, "acme.example", root);
  const nord = yield* element(at, "nord.example", root);
  const ticket = yield* ticketOf(SECRET);
  const programs = { acme: yield* serve(acme), nord: yield* serve(nord) };
  const route = `Route: <sip:x@nord.example:${nord.outside};maddr=${HOST};transport=tls;lr>`;
  /** A caller's steps: the call is up for so long. */
  const talk = (upMs: number, shown: string | undefined, offers: "early" | "late" = "early"): ReadonlyArray<Step> => [
    send("INVITE", {
      ...(offers === "early" ? { body: "secured" } : {}),
      called: CALLED,
      lines: [route, ...(shown === undefined ? [] : [`X-Cisco-ViPR-Ticket: ${shown}`])],
    }),
    maybe(100, 180),
    recv(200),
    send("ACK", { called: CALLED, ...(offers === "late" ? { body: "secured" } : {}) }),
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
  "answered, busy, early media, CANCEL, an offer that comes late; without a ticket nobody answers",
  ["sipp"],
  Effect.gen(function* () {
    const { acme, nord, talk, ticket } = yield* pair;
    const [invite] = talk(0, ticket) as [Step];
    const [unticketed] = talk(0, undefined) as [Step];
    const of = { called: CALLED, isSameBranch: true } as const;
    const play = Effect.fnUntraced(function* (caller: ReadonlyArray<Step>, called: ReadonlyArray<Step> | undefined) {
      const phone = called === undefined ? undefined : yield* sipp({ port: nord.agent, steps: called });
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
    const late = answer(200, { body: "secured" });
    yield* play(talk(100, ticket, "late"), [hear("INVITE"), late, hear("ACK"), hear("BYE"), answerWithin(200)]);
    // The caller gives up, as a call agent does after two seconds; by then nobody inside has heard of the call.
    yield* play([unticketed, recvLast(100), pause(2_000), send("CANCEL", of), recvLast(200)], undefined);
    same([reportOf(nord).reasons.refused, reportOf(nord).counters.admitted], [{ missing: 1 }, 5]);
  }),
);

const killed = check(
  "kill -9 of the called side's border element under 100 calls: each is hung up, and new calls are taken",
  ["sipp"],
  Effect.gen(function* () {
    const { acme, nord, programs, ticket, talk } = yield* pair;
    const many = { calls: 100, atOnce: 100 } as const;
    const called = yield* sipp({ port: nord.agent, steps: ANSWERS, calls: 101, atOnce: 101 });
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
