/**
 * Which trunk a record speaks of. Records name lines as the exchange does: a channel (`PJSIP/trunk1-0000000b`,
 * `DAHDI/i1/4085550901-1`), a gateway, a device; the configuration says how a trunk's names begin.
 */
import { ownText } from "./row.ts";

/** A trunk of the configuration, and how records name its channels. */
export interface TrunkNames {
  readonly name: string;
  /** `PJSIP/trunk1`; a name without its technology will do, and so will a beginning that ends in `*`. */
  readonly channels: ReadonlyArray<string>;
}

/** Names that are remembered with the trunk that they mean. */
const NAMES_MAX = 4_096;

/** The trunk that a name in a record means. */
export type TrunkOf = (name: string) => string | undefined;

/** The suffix that tells one call's channel from another's: `-0000000b`, and of a Local channel `;1` or `;2`. */
export const channelBase = (channel: string): string => {
  const half = channel.charCodeAt(channel.length - 2) === 0x3b ? channel.length - 2 : channel.length;
  const dash = channel.lastIndexOf("-", half);
  return dash > 0 && isHex(channel, dash + 1, half) ? channel.slice(0, dash) : channel.slice(0, half);
};

const isHex = (text: string, from: number, to: number): boolean => {
  for (let at = from; at < to; at++) {
    const c = text.charCodeAt(at) | 0x20;
    if (!((c >= 0x30 && c <= 0x39) || (c >= 0x61 && c <= 0x66))) return false;
  }
  return to > from;
};

/**
 * Looks up the trunk of a channel: without regard to case or to the call's suffix, in the order of the list; undefined for
 * a channel of none of them. It remembers up to 4,096 names.
 */
export const trunkMatcher = (trunks: ReadonlyArray<TrunkNames>): TrunkOf => {
  const names = trunks.flatMap(({ name, channels }) =>
    channels.map((channel) => ({
      name,
      channel: channel.replace(/\*$/, "").toLowerCase(),
      isOpen: channel.endsWith("*"),
    })),
  );
  const known = new Map<string, string | undefined>();
  const find = (base: string): string | undefined => {
    const text = base.toLowerCase();
    const bare = text.slice(text.indexOf("/") + 1);
    for (const { name, channel, isOpen } of names)
      for (const one of channel.includes("/") ? [text] : [text, bare])
        if (one === channel || one.startsWith(`${channel}/`) || (isOpen && one.startsWith(channel))) return name;
    return undefined;
  };
  if (names.length === 0) return () => undefined;
  return (channel) => {
    if (channel === "") return undefined;
    const base = channelBase(channel);
    if (known.has(base)) return known.get(base);
    const found = find(base) ?? (base === channel ? undefined : find(channel));
    if (known.size >= NAMES_MAX) known.clear();
    known.set(ownText(base), found);
    return found;
  };
};
