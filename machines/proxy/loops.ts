/**
 * Requests that come round again. RFC 3261 §16.3 step 4.
 *
 * A proxy finds itself in the Vias: every branch of ours begins with this run's mark, and what comes back for the same
 * Request-URI is a loop. An exchange makes a new call of each that passes it, with new names and a Max-Forwards of 70 again:
 * there a loop shows only in how many calls from one number to another wait for an answer at once. DECISIONS.md D-105.
 */
import {
  fieldsOf,
  headerOf,
  MAGIC_BRANCH,
  numberOf,
  parseNameAddr,
  requestUriOf,
  type SipRequest,
} from "../../codecs/sip/mod.ts";
import type { Context } from "./context.ts";
import type { Transactions } from "./transactions.ts";

/** How often a request may pass us by different ways: forwarding from trunk to trunk is one of them. */
const PASSES_MAX = 8;

export const isLoop = (request: SipRequest, mark: string, transactions: Transactions<Context>): boolean => {
  const ours = `branch=${MAGIC_BRANCH}${mark}`;
  let passes = 0;
  for (const { value } of fieldsOf(request, "Via")) {
    let at = value.indexOf(ours);
    for (; at >= 0; at = value.indexOf(ours, at + 1)) {
      if (++passes > PASSES_MAX) return true;
      const branch = value.slice(at + "branch=".length).split(/[;,\s]/, 1)[0]!;
      const before = transactions.clients.get(`${branch} ${request.method}`)?.context?.request;
      if (before !== undefined && before.uri === request.uri) return true;
    }
  }
  return false;
};

/** Counts calls that nobody has answered yet, by who calls whom. */
export class LoopGuard {
  private readonly waiting = new Map<string, number>();
  private readonly max: number;
  constructor(max: number) {
    this.max = max;
  }

  pairOf(invite: SipRequest): string {
    const target = requestUriOf(invite);
    const called = target.ok
      ? (numberOf(target.value) ?? (target.value.type === "sip" ? target.value.user : target.value.number))
      : "";
    const from = parseNameAddr("From", headerOf(invite, "From") ?? "");
    const calling = from.ok && from.value.uri.type === "sip" ? from.value.uri.user : "";
    return `${calling} ${called}`;
  }
  isFull(pair: string): boolean {
    return (this.waiting.get(pair) ?? 0) >= this.max;
  }
  enter(pair: string): void {
    this.waiting.set(pair, (this.waiting.get(pair) ?? 0) + 1);
  }
  leave(pair: string): void {
    const rest = (this.waiting.get(pair) ?? 1) - 1;
    if (rest === 0) this.waiting.delete(pair);
    else this.waiting.set(pair, rest);
  }
}
