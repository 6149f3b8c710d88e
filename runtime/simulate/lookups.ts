/** Look-ups as a ViPR server makes them: a Fetch, repeated when a ring that has just changed routes it to the wrong node. */
import { errorNameOf, type Request, toResource } from "../../codecs/reload/mod.ts";
import { NOT_A_PEER, NOT_RESPONSIBLE } from "../../machines/reload/mod.ts";
import type { Agenda } from "./agenda.ts";
import type { Ended, SimNode } from "./node.ts";
import { fetchOf, hasRegistration, type Value } from "./values.ts";

/** As actors/reload/paced-requests.ts repeats. */
const ATTEMPTS_MAX = 4;
const AGAIN_MS = 200;

/** How a look-up ended. `has`: the answer contains the value. */
export interface LookedUp {
  readonly isAnswered: boolean;
  readonly has: boolean;
  readonly hops: number;
  readonly why: string;
}

/** Sends a node's own request. `ended` is never called when the node dies before the answer. */
export const askFor = (
  agenda: Agenda,
  node: SimNode,
  resource: Uint8Array,
  body: Request,
  ended: (end: Ended) => void,
): void => {
  const attempt = (left: number) =>
    node.request(toResource(resource), body, (end) => {
      const { outcome } = end;
      const info = outcome.type === "refused" ? new TextDecoder().decode(outcome.error.info) : "";
      if ((info === NOT_RESPONSIBLE || info === NOT_A_PEER) && left > 1)
        agenda.after(AGAIN_MS, () => node.alive && attempt(left - 1));
      else ended(end);
    });
  attempt(ATTEMPTS_MAX);
};

export const lookUp = (agenda: Agenda, node: SimNode, value: Value, ended: (found: LookedUp) => void): void =>
  askFor(agenda, node, value.resource, fetchOf(value), ({ outcome, signers }) => {
    const isAnswered = outcome.type === "answer";
    const why = outcome.type === "refused" ? errorNameOf(outcome.error.code) : outcome.type;
    const trip = node.core.lookUps.findLast(({ resource, hops }) => resource === value.id && hops !== undefined);
    const has = isAnswered && hasRegistration(outcome.body, signers, value);
    ended({ isAnswered, has, hops: trip?.hops ?? 0, why: isAnswered ? "" : why });
  });
