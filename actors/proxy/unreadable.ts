/** What came and could not be read: counted by place and reason, the newest kept to be shown. No number and no content. */
import { Clock, Effect } from "effect";
import { keepNewest } from "../../codecs/shared/mod.ts";
import type { SipError } from "../../codecs/sip/mod.ts";
import type { Source } from "../../machines/proxy/mod.ts";

export const UNREADABLE_NEWEST_MAX = 32;
const REASONS_MAX = 256;
const TEXT_CHARS_MAX = 120;

export interface UnreadableEntry {
  readonly atMs: number;
  /** `udp:192.0.2.7:5060` */
  readonly from: string;
  readonly place: string;
  readonly reason: string;
}
export interface UnreadableLog {
  readonly note: (from: Pick<Source, "transport" | "host" | "port">, error: SipError) => void;
  /** By place and reason. */
  readonly byReason: () => Readonly<Record<string, number>>;
  /** The newest first. */
  readonly newest: () => ReadonlyArray<UnreadableEntry>;
}

/** A place or a reason may quote a name of the message's: digits in a row might be a telephone number. */
const harmless = (text: string): string => text.replace(/\d{4,}/g, "…").slice(0, TEXT_CHARS_MAX);

export const openUnreadableLog: Effect.Effect<UnreadableLog> = Effect.map(Clock.Clock, (clock) => {
  const counts = new Map<string, number>();
  const newest: Array<UnreadableEntry> = [];
  return {
    note: ({ transport, host, port }, { at, why }) => {
      const [place, reason] = [harmless(at), harmless(why)];
      const key = `${place}: ${reason}`;
      keepNewest(counts, REASONS_MAX, key, (counts.get(key) ?? 0) + 1);
      const from = `${transport.toLowerCase()}:${host.includes(":") ? `[${host}]` : host}:${port}`;
      newest.unshift({ atMs: clock.currentTimeMillisUnsafe(), from, place, reason });
      newest.splice(UNREADABLE_NEWEST_MAX);
    },
    byReason: () => Object.fromEntries(counts),
    newest: () => [...newest],
  };
});
