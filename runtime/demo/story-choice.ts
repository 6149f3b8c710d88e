/** Which call and which theft the demonstration follows: the first that show all of it, so that the same calls tell the same story. */
import { type E164, nodeIdText } from "../../codecs/shared/mod.ts";
import type { PlayedCalls } from "./calls.ts";
import type { Federation } from "./federation.ts";
import type { DemoCall } from "./records.ts";

export interface Followed {
  readonly number: E164;
  /** Domains: of the caller, and of the number's owner. */
  readonly from: string;
  readonly to: string;
}
export interface Chosen {
  readonly call: Followed | undefined;
  readonly theft: Followed | undefined;
  /** Node-IDs of the thief, of 32 hexadecimal digits. */
  readonly thieves: ReadonlySet<string>;
}

/** A proof of a longer call is worth more. */
const CALL_MS_MIN = 60_000;

export const choose = (
  { outward }: PlayedCalls,
  { ownerOf, stolen, thief }: Pick<Federation, "ownerOf" | "stolen" | "thief">,
): Chosen => {
  const followed = ({ calling, called }: DemoCall): Followed | undefined => {
    const [from, to] = [ownerOf(calling!), ownerOf(called)];
    return from === undefined || to === undefined ? undefined : { number: called, from: from.domain, to: to.domain };
  };
  const longs = outward.filter(({ durationMs }) => durationMs >= CALL_MS_MIN);
  /** So that the second call's proof makes a route where the first one's is not enough. */
  const isRepeated = ({ calling, called }: DemoCall) =>
    longs.filter((other) => other.called === called && ownerOf(other.calling!) === ownerOf(calling!)).length > 1;
  const first = (of: ReadonlyArray<DemoCall>) => of.map(followed).find((one) => one !== undefined);
  return {
    call: first(longs.filter((call) => !stolen.includes(call.called) && isRepeated(call))),
    theft: first(longs.filter((call) => stolen.includes(call.called) && isRepeated(call))),
    thieves: new Set(thief.server.nodes.map(({ nodeId }) => nodeIdText(nodeId))),
  };
};
