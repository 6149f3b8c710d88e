/**
 * The DNS's answers, kept for as long as they hold. RFC 1035 §3.2.1, RFC 2308, RFC 8767 for those that are overdue.
 *
 *   ask --> kept and still good ------------------------------> the answer, at once
 *        +-> somebody asks already --> that answer
 *        +-> Dns --> records, none --> kept --> the answer
 *                +-> failed ----------> the records of before, if they are not too old
 */
import { Clock, Effect, Fiber, Option } from "effect";
import { keepNewest } from "../../codecs/shared/mod.ts";
import type { DnsAnswer, DnsQuestion } from "../../machines/locate/mod.ts";
import { Shared } from "../kit/mod.ts";
import { Dns } from "../ports/mod.ts";

/** Questions whose answers are kept; the one asked first goes first. */
const ANSWERS_MAX = 4_096;
/** Questions at once. */
const ASKING_MAX = 256;
/** Who waits for the answer to one of them. */
const WAITING_MAX = 1_024;
/** Of one question; platforms give up sooner. */
const ASKING_MS_MAX = 30_000;
/** Where the platform tells no time to live: the resolver that it asks has the real one, and is asked again. */
const UNKNOWN_TTL_S = 60;
const TTL_S_MAX = 3_600;
const NONE_S = 30;
const FAILED_S = 5;
/** Records outlive their time while nobody tells others: better the addresses of yesterday than none. */
const OVERDUE_MS_MAX = 24 * 3_600_000;

interface Kept {
  readonly answer: DnsAnswer;
  readonly untilMs: number;
  /** Of records: until when they are taken where asking fails. */
  readonly overdueMs: number;
}

export const openAnswers = Effect.gen(function* () {
  const dns = yield* Dns;
  const kept = new Map<string, Kept>();
  const scope = yield* Effect.scope;
  const asking = new Shared<DnsAnswer>({ keysMax: ASKING_MAX, waitersMax: WAITING_MAX });

  const keep = (key: string, answer: DnsAnswer, nowMs: number): DnsAnswer => {
    const before = kept.get(key);
    const isOverdue = answer.type === "failed" && before?.answer.type === "records" && before.overdueMs > nowMs;
    const known = isOverdue ? before.answer : answer;
    const overdueMs = isOverdue ? before.overdueMs : nowMs + OVERDUE_MS_MAX;
    keepNewest(kept, ANSWERS_MAX, key, { answer: known, untilMs: nowMs + 1_000 * secondsOf(answer), overdueMs });
    return known;
  };
  /** In a fiber of its own: who asked first may go away before the answer comes, and others wait for it. */
  const find = (key: string, question: DnsQuestion): Effect.Effect<DnsAnswer> => {
    const asked = Effect.map(
      Effect.timeoutOption(dns.ask(question), ASKING_MS_MAX),
      Option.getOrElse(() => SILENT),
    );
    const work = Effect.flatMap(asked, (answer) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) => keep(key, answer, nowMs)),
    );
    const shared = asking.share(key, work, BUSY);
    return Effect.flatMap(Effect.forkIn(shared, scope, { startImmediately: true }), Fiber.join);
  };
  const clock = yield* Clock.Clock;
  const ask = (question: DnsQuestion): Effect.Effect<DnsAnswer> => {
    const key = `${question.kind} ${question.name}`;
    const known = kept.get(key);
    if (known !== undefined && known.untilMs > clock.currentTimeMillisUnsafe()) return Effect.succeed(known.answer);
    return find(key, question);
  };
  return { ask };
});

const BUSY: DnsAnswer = { type: "failed", why: "too many questions" };
const SILENT: DnsAnswer = { type: "failed", why: "no answer" };

const secondsOf = (answer: DnsAnswer): number => {
  if (answer.type === "none") return NONE_S;
  return answer.type === "failed" ? FAILED_S : Math.min(answer.ttlS ?? UNKNOWN_TTL_S, TTL_S_MAX);
};
