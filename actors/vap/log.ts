/**
 * What call agents were refused, in the log: a line the first time, and then one a minute with how often it happened, so that
 * an agent which tries again each second, or a stranger, does not fill the disk.
 */
import { Clock, Effect } from "effect";
import { seldom } from "../kit/mod.ts";
import { isForOperator, type VapEvent } from "./events.ts";

const SAME_EVERY_MS = 60_000;
/** Of what a client says of itself. */
const NAME_CHARACTERS_MAX = 128;

/** A name as it came over the network: of one line, without characters that move a terminal. */
const shown = (name: string): string => name.slice(0, NAME_CHARACTERS_MAX).replace(/[^\x20-\x7e\u00a1-\uffff]/g, "?");

/** `tenantOf`: the company of a user, where there are several on the server; empty is its own. */
export const vapLog = (
  tenantOf: (username: string) => string = () => "",
): ((event: VapEvent) => Effect.Effect<void>) => {
  const from = ({ username, host }: { readonly username: string; readonly host: string }) => {
    const tenant = tenantOf(username);
    return { user: shown(username), from: host, ...(tenant === "" ? {} : { tenant }) };
  };
  const due = seldom({ everyMs: SAME_EVERY_MS });
  return Effect.fnUntraced(function* (event) {
    if (event.type === "registered")
      return yield* Effect.logInfo("vap.registered", { ...from(event), name: shown(event.name) });
    const { type, ...rest } = event;
    const said = "username" in rest ? from(rest) : {};
    const facts =
      event.type === "refused"
        ? { ...said, request: event.method, code: event.code, reason: event.reason, why: shown(event.why) }
        : event.type === "closed"
          ? { ...said, reason: event.reason, why: shown(event.why) }
          : { sessions: event.sessions, why: shown(event.why) };
    if (!isForOperator(event)) return yield* Effect.logInfo(`vap.${type}`, facts);
    const { why: _, ...alike } = facts; // it may repeat bytes that a stranger chose, each time others
    const more = due(JSON.stringify([type, alike]), yield* Clock.currentTimeMillis);
    if (more === undefined) return;
    yield* Effect.logWarning(`vap.${type}`, more === 0 ? facts : { ...facts, more });
  });
};
