/**
 * Two adversaries. The thief publishes numbers it does not own, writes over others' claims and guesses at calls it never
 * made; the spammer sends INVITEs without a ticket, with a forged one, with another domain's, for another number.
 * Bytes that are no message of its protocol are sent to every port.
 */
import { Effect } from "effect";
import { type Credentials, Dialer, Entropy } from "../../actors/ports/mod.ts";
import { claimsOf, NUMBER_LIFETIME_S } from "../../actors/reload/mod.ts";
import { sendInvite } from "../../actors/sip/mod.ts";
import { openTicketIssuer } from "../../actors/ticket/mod.ts";
import { encodeRegistration, encodeRegistrationKey, kindId, resourceOfNumber } from "../../codecs/reload/mod.ts";
import { type E164, hexOf, unixMs, utf8 } from "../../codecs/shared/mod.ts";
import type { LearnedRoute } from "../../machines/agent/mod.ts";
import type { RunningCompany } from "./company.ts";
import { countIntrusion, type Intrusion, type Intrusions } from "./tally.ts";

export const THIEF = "thief.example";
export const SPAMMER = "spam.example";
const OVERWRITES = 3;
const GUESSES = 3;
const GUESSED_CALL_MS = 120_000;
const SPAM_WAIT_MS = 700;
/** A machine that is busy with something else may not have read the INVITE yet. */
const JUDGED_MS_MAX = 10_000;
const JUDGED_EVERY_MS = 50;
const GARBAGE_WAIT_MS = 3_000;

/** Writes the thief's Node-ID over the claims of others, under their own keys. */
export const overwriteClaims = Effect.fn("demo.overwrite")(function* (
  thief: RunningCompany,
  stolen: ReadonlyArray<E164>,
  ownerOf: (number: E164) => string | undefined,
  intrusions: Intrusions,
) {
  const node = thief.server.nodes[0]!;
  for (const number of stolen.slice(0, OVERWRITES)) {
    const claims = yield* Effect.orElseSucceed(claimsOf(node, number), () => []);
    const victim = claims.find(({ nodeId }) => nodeId !== node.nodeId);
    if (victim === undefined) continue;
    const why = yield* node
      .store({
        resourceId: resourceOfNumber(number),
        kind: kindId.viprRegistration,
        key: encodeRegistrationKey(victim),
        value: encodeRegistration(node.nodeId),
        exists: true,
        lifetimeS: NUMBER_LIFETIME_S,
      })
      .pipe(
        Effect.as<string | undefined>(undefined),
        Effect.catch((error) => Effect.succeed(error._tag === "OverlayRefused" ? error.code : error.why)),
      );
    countIntrusion(intrusions, "overwrittenClaim", ownerOf(number), why);
  }
});

/** Tells its own server of calls that nobody made: what the server then tries, it counts as `guessedCall`. */
export const guessCalls = Effect.fn("demo.guess")(function* (
  thief: RunningCompany,
  targets: ReadonlyArray<E164>,
  betweenMs: readonly [min: number, max: number],
) {
  const { between } = yield* Entropy;
  for (const called of targets.slice(0, GUESSES)) {
    const startMs = yield* between(...betweenMs);
    yield* Effect.ignore(
      thief.vap.uploadVcr({
        direction: "sent",
        calling: undefined,
        called,
        startMs: unixMs(startMs),
        stopMs: unixMs(startMs + GUESSED_CALL_MS),
        vservice: thief.vservice,
      }),
    );
  }
});

interface SpamTargets {
  readonly spammer: Credentials;
  /** Whom to ring. */
  readonly victim: RunningCompany;
  /** A genuine ticket of the victim's for somebody else, and who that is. */
  readonly leaked: LearnedRoute;
  readonly holder: RunningCompany;
  /** Another number of the victim's. */
  readonly other: E164;
}

const spam = Effect.fn("demo.spam")(function* (targets: SpamTargets, intrusions: Intrusions) {
  const { spammer, victim, leaked, holder, other } = targets;
  const { bytes } = yield* Entropy;
  // Well made in every field, with the victim's names, under a key of the spammer's own.
  const forger = yield* openTicketIssuer({
    grantingNode: victim.server.nodes[0]!.nodeId,
    grantingDomain: victim.domain,
    secret: { epoch: 1, password: hexOf(yield* bytes(16)) },
  });
  const forged = yield* Effect.orDie(forger.issue({ number: other, grantedTo: SPAMMER, vservice: victim.vservice }));
  const tries: ReadonlyArray<{ kind: Intrusion; as: Credentials; from: string; called: E164; ticket?: string }> = [
    { kind: "noTicket", as: spammer, from: SPAMMER, called: other },
    { kind: "forgedTicket", as: spammer, from: SPAMMER, called: other, ticket: forged },
    { kind: "foreignTicket", as: spammer, from: SPAMMER, called: leaked.number, ticket: leaked.ticket },
    { kind: "wrongNumber", as: holder.credentials, from: holder.domain, called: other, ticket: leaked.ticket },
  ];
  for (const { kind, as, from, called, ticket } of tries) {
    const before = victim.border.counters();
    const fate = yield* sendInvite({
      ...victim.border.outside,
      credentials: as,
      called,
      domain: victim.domain,
      from,
      ...(ticket === undefined ? {} : { ticket }),
      waitMs: SPAM_WAIT_MS,
    });
    const isAnswered = fate.type === "answered" && fate.status < 300;
    const why = isAnswered ? undefined : yield* refusalSince(victim, before.refused);
    countIntrusion(intrusions, kind, victim.domain, why);
  }
});

/** Which of the border element's reasons has gone up: honest calls are never refused there. Undefined: it has let the INVITE in. */
const refusalSince = Effect.fnUntraced(function* ({ border }: RunningCompany, before: Counts) {
  for (let waitedMs = 0; waitedMs < JUDGED_MS_MAX; waitedMs += JUDGED_EVERY_MS) {
    const after = border.counters().refused;
    const why = Object.keys(after).find((one) => (after[one as keyof typeof after] ?? 0) > (before[one] ?? 0));
    if (why !== undefined) return why;
    yield* Effect.sleep(JUDGED_EVERY_MS);
  }
  return undefined;
});
type Counts = Readonly<Record<string, number | undefined>>;

/** Spam to each company that another one has a route to; rubbish to all. */
export const intrude = Effect.fn("demo.intrude")(function* (
  companies: ReadonlyArray<RunningCompany>,
  spammer: Credentials,
  intrusions: Intrusions,
) {
  const all = { concurrency: companies.length, discard: true } as const; // each border element counts its own refusals
  yield* Effect.forEach(companies, (victim) => spamOne(companies, victim, spammer, intrusions), all);
  yield* Effect.forEach(companies, (company) => knock(company, intrusions), all);
});

/** With a genuine ticket that another company holds for one of the victim's numbers, if there is one. */
const spamOne = (
  companies: ReadonlyArray<RunningCompany>,
  victim: RunningCompany,
  spammer: Credentials,
  intrusions: Intrusions,
) => {
  for (const holder of companies) {
    const leaked = holder.routes.all().find(({ number }) => victim.numbers.has(number));
    const other = [...victim.numbers].find((number) => number !== leaked?.number);
    if (victim !== holder && leaked !== undefined && other !== undefined)
      return spam({ spammer, victim, leaked, holder, other }, intrusions);
  }
  return Effect.void;
};

/** Something else than the port's protocol, on every port of a company: each is to close, and nothing else is to happen. */
const knock = Effect.fn("demo.garbage")(function* (company: RunningCompany, intrusions: Intrusions) {
  const { server, border } = company;
  for (const { host, port } of [server.vap, server.pvp, ...server.nodes, ...border.inside, border.outside]) {
    const isClosed = yield* rubbish(host, port);
    countIntrusion(intrusions, "garbage", company.domain, isClosed ? "closed" : undefined);
  }
});

const rubbish = Effect.fnUntraced(
  function* (host: string, port: number) {
    const dialer = yield* Dialer;
    const stream = yield* dialer.dial({ host, port });
    yield* stream.write(utf8("GET /login HTTP/1.0\r\nHost: you\r\n\r\n"));
    // An alert or an answer may come first; what counts is that the port ends it.
    return yield* Effect.forever(stream.read).pipe(
      Effect.catchTag("StreamClosed", () => Effect.succeed(true)),
      Effect.timeoutOrElse({ duration: GARBAGE_WAIT_MS, orElse: () => Effect.succeed(false) }),
    );
  },
  Effect.scoped,
  Effect.catch(() => Effect.succeed(true)),
);
