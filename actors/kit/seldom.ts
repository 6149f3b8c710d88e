/**
 * What happens over and over, and is said once in a while: who tries again each second must not fill the log.
 *
 *   due(key, now) --> how often it has happened since it was said last: say it | undefined: it was said less than `everyMs` ago
 */

export interface SeldomLimits {
  readonly everyMs: number;
  /** Keys that are remembered; beyond, the oldest is forgotten, and may be said again early. Default 1,024. */
  readonly keysMax?: number;
}

const KEYS_MAX = 1_024;

interface Said {
  readonly atMs: number;
  /** Since then, not said. */
  more: number;
}

export const seldom = ({
  everyMs,
  keysMax = KEYS_MAX,
}: SeldomLimits): ((key: string, atMs: number) => number | undefined) => {
  const said = new Map<string, Said>();
  return (key, atMs) => {
    const before = said.get(key);
    if (before !== undefined && atMs - before.atMs < everyMs) {
      before.more += 1;
      return undefined;
    }
    said.delete(key);
    if (said.size >= keysMax) said.delete(said.keys().next().value!);
    said.set(key, { atMs, more: 0 });
    return before?.more ?? 0;
  };
};
