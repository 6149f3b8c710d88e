/**
 * Calls over SIP that are up, where somebody may have to end them: their dialog as both its ends know it, and BYE to each as
 * from the other. RFC 3261 §12.2.1.1, §15.1.1; docs/protocol/media.md#fallback. DECISIONS.md D-171.
 *
 *   answered --> in the table, told --> BYE of either end: told, forgotten
 *                                   --> hangUp: BYE to both ends, forgotten
 * Requirements: ViPR overview §6.2.
 */
import { keepNewest } from "../../codecs/shared/mod.ts";
import {
  type Dialog,
  dialogOfCallee,
  dialogOfCaller,
  headerOf,
  parseNameAddr,
  parseUri,
  requestIn,
  type SipRequest,
  type SipResponse,
  tagOf,
  withHeader,
} from "../../codecs/sip/mod.ts";
import { hopOf, type OwnAddresses } from "./addresses.ts";
import { CALL_MS_MAX } from "./calls.ts";
import type { Context } from "./context.ts";
import { beyondUs } from "./hang-up.ts";
import type { Ids } from "./ids.ts";
import type { CoreOrder, Destination } from "./types.ts";

/** Those beyond are carried as all others, and are not moved. */
const SIP_CALLS_MAX = 20_000;
/** The last that there is, so that no request of the ends was later. RFC 3261 §8.1.1.5. */
const CSEQ_LAST = 2 ** 31 - 1;

interface SipCall {
  readonly sinceMs: number;
  /** The called side's tag. */
  readonly tag: string;
  /** Where each end is reached, and its dialog as the other end knows it. */
  readonly ends: ReadonlyArray<{ readonly to: Destination; readonly dialog: Dialog }>;
}

export interface Bye {
  readonly to: Destination;
  readonly request: SipRequest;
}

/** Of a call over SIP: the Call-ID and the tag of whoever called. */
export const sipCallKey = (callId: string, fromTag: string): string => `${callId} ${fromTag}`;

export class SipCalls {
  private readonly own: OwnAddresses;
  private readonly ids: Ids;
  private readonly order: (order: CoreOrder) => void;
  private readonly calls = new Map<string, SipCall>();

  constructor(own: OwnAddresses, ids: Ids, order: (order: CoreOrder) => void) {
    this.own = own;
    this.ids = ids;
    this.order = order;
  }

  /** A 2xx, as it came, to the INVITE of that context: the first one counts. */
  answered(
    { request, source, branch }: Context,
    response: SipResponse,
    role: "caller" | "callee",
    nowMs: number,
  ): void {
    if (request === undefined || branch === undefined) return;
    const key = sipCallKey(headerOf(request, "Call-ID") ?? "", tagOf(request, "From") ?? "");
    const [toCaller, toCalled] = [dialogOfCallee(request, response), dialogOfCaller(request, response)];
    if (this.calls.has(key) || toCaller === undefined || toCalled === undefined) return;
    const ends = [
      { to: source, dialog: toCaller },
      { to: branch.to, dialog: { ...toCalled, routes: beyondUs(toCalled.routes, this.own) } },
    ].map(({ to, dialog }) => ({ to: placeOf(dialog, to), dialog }));
    keepNewest(this.calls, SIP_CALLS_MAX, key, { sinceMs: nowMs, tag: tagOf(response, "To") ?? "", ends });
    this.order({ type: "sipCall", key, role, invite: request });
  }

  /** The call that a BYE would end. */
  endedBy(bye: SipRequest): string | undefined {
    const callId = headerOf(bye, "Call-ID") ?? "";
    const tags = [tagOf(bye, "From") ?? "", tagOf(bye, "To") ?? ""] as const;
    for (const [caller, called] of [tags, [tags[1], tags[0]]] as const) {
      const key = sipCallKey(callId, caller);
      if (this.calls.get(key)?.tag === called) return key;
    }
    return undefined;
  }

  over(key: string): void {
    if (this.calls.delete(key)) this.order({ type: "sipCallOver", key });
  }

  /** BYE to both ends, each as from the other. */
  hangUp(key: string): ReadonlyArray<Bye> {
    const ends = this.calls.get(key)?.ends ?? [];
    this.over(key);
    return ends.map(({ to, dialog }) => {
      const { host, port } = this.own.all[to.own]!;
      const bye = requestIn(dialog, "BYE", { transport: to.transport, host, port }, this.ids.branch());
      return { to, request: withHeader(bye, "CSeq", `${CSEQ_LAST} BYE`) };
    });
  }

  /** Forgets calls that cannot be up any more. */
  expire(nowMs: number): void {
    for (const [key, { sinceMs }] of this.calls) if (nowMs - sinceMs > CALL_MS_MAX) this.over(key);
  }
}

/** By its first Route or its target, as that end's requests come: from the same address of ours, by the same stream. */
const placeOf = ({ routes, target }: Dialog, { transport, own, host, port, stream }: Destination): Destination => {
  const route = routes[0] === undefined ? undefined : parseNameAddr("Route", routes[0]);
  const uri = route === undefined ? parseUri(target) : route.ok ? { ok: true as const, value: route.value.uri } : route;
  const hop = uri.ok ? hopOf(uri.value) : undefined;
  if (hop === undefined || hop.transport !== transport) return { transport, own, host, port, stream };
  return { transport, own, host: hop.host.replace(/^\[|\]$/g, ""), port: hop.port, stream };
};
