/**
 * What happens over and over, and is said once in a while: who tries again each second must not fill the log, nor a stranger who
 * calls himself otherwise each time.
 *
 *   due(key, now) --> how often it has happened since it was said last: say it | undefined: it was said less than `everyMs` ago
 *   keysMax keys said within everyMs --> all others count as one
 *
 * DECISIONS.md D-320.
 */
import { Clock, Effect } from "effect";

export interface SeldomLimits {
  readonly everyMs: number;
  /** Keys that are told apart within `everyMs`; all others count as one, so that never more than one above this are said. Default 64. */
  readonly keysMax?: number;
}

const KEYS_MAX = 64;

interface Said {
  readonly atMs: number;
  /** Since then, not said. */
  more: number;
}

export const seldom = ({
  everyMs,
  keysMax = KEYS_MAX,
}: SeldomLimits): ((key: string, atMs: number) => number | undefined) => {
  /** The longest ago first. */
  const said = new Map<string, Said>();
  let others: Said | undefined;
  const recent = (one: Said | undefined, atMs: number) =>
    one !== undefined && atMs - one.atMs < everyMs ? one : undefined;
  const passOver = (one: Said): undefined => {
    one.more += 1;
  };
  return (key, atMs) => {
    const before = said.get(key);
    const same = recent(before, atMs);
    if (same !== undefined) return passOver(same);
    said.delete(key);
    if (said.size >= keysMax) {
      const [oldest, its] = said.entries().next().value!;
      if (recent(its, atMs) !== undefined) {
        const alike = recent(others, atMs);
        if (alike !== undefined) return passOver(alike);
        const more = others?.more ?? 0;
        others = { atMs, more: 0 };
        return more;
      }
      said.delete(oldest);
    }
    said.set(key, { atMs, more: 0 });
    return before?.more ?? 0;
  };
};

/** The same around lines of the log: `say` is given what goes behind the line, how often it was passed over since. */
export const seldomSaid = (limits: SeldomLimits) => {
  const due = seldom(limits);
  return (
    key: string,
    say: (more: ReadonlyArray<{ readonly more: number }>) => Effect.Effect<void>,
  ): Effect.Effect<void> =>
    Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
      const more = due(key, nowMs);
      return more === undefined ? Effect.void : say(more === 0 ? [] : [{ more }]);
    });
};
