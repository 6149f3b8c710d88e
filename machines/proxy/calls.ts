/**
 * The telephone calls under way: the dialogs that our trunks have a part in, from their INVITE to their BYE.
 * docs/protocol/sip.md#call-records.
 *
 *   invited --> answered: start, save --> answered again: a fork --> hung up: of several the last one ends the call
 *      +--> failed: forgotten
 *
 * A call is found by its Call-ID and the tag of whoever called; a proxy may see the same dialog twice, on its way out and on
 * its way in, so that the direction is part of the name. What is kept of a call is what is stored of it, in bytes.
 * Requirements: ViPR overview §6.2.
 */
import { keyText, type UnixMs, unixMs } from "../../codecs/shared/mod.ts";
import {
  type CallTexts,
  decodeCall,
  encodeCall,
  headerOf,
  type SipMessage,
  type SipRequest,
  tagOf,
} from "../../codecs/sip/mod.ts";
import type { CallReport, ProxySide } from "./types.ts";

/** No telephone call lasts so long: its BYE was lost, or never came by us. */
export const CALL_MS_MAX = 24 * 3_600_000;

export type Direction = "sent" | "received";

export class ActiveCall {
  readonly key: string;
  readonly id: string;
  readonly direction: Direction;
  /** The name of the one that carries it; empty until one has answered. */
  trunk: string;
  /** 0 until it is answered. */
  startMs = 0;
  /** What is stored of it; undefined until it is answered. */
  stored: Uint8Array | undefined;
  constructor(key: string, id: string, direction: Direction, trunk: string) {
    this.key = key;
    this.id = id;
    this.direction = direction;
    this.trunk = trunk;
  }
}

/** A call under way, to be shown. `texts`: what its header fields say; undefined until it is answered. */
export interface CallView extends Pick<ActiveCall, "id" | "direction" | "trunk" | "startMs"> {
  readonly texts: CallTexts | undefined;
}
const viewOf = ({ id, direction, trunk, startMs, stored }: ActiveCall): CallView => ({
  id,
  direction,
  trunk,
  startMs,
  texts: stored === undefined ? undefined : decodeCall(stored),
});

/** A request within a call that may end it. */
export interface Ending {
  readonly call: ActiveCall;
  /** The called side's tag. */
  readonly tag: string;
  readonly atMs: UnixMs;
}

export class Calls {
  private readonly calls = new Map<string, ActiveCall>();

  get size(): number {
    return this.calls.size;
  }

  /** Those that began last, last first. */
  newest(max: number): ReadonlyArray<CallView> {
    return [...this.calls.values()].slice(-max).reverse().map(viewOf);
  }

  invited(invite: SipRequest, direction: Direction, trunk: string, id: string): ActiveCall {
    const key = keyOf(direction, invite, tagOf(invite, "From"));
    const known = this.calls.get(key);
    // After 407 the same call is tried again; one that is up is not replaced by whoever repeats its names.
    if (known !== undefined && known.startMs > 0) return new ActiveCall("", id, direction, trunk);
    const call = new ActiveCall(key, id, direction, trunk);
    this.calls.set(key, call);
    return call;
  }

  failed(call: ActiveCall): void {
    if (call.startMs === 0) this.remove(call);
  }

  /** The bytes to save; undefined: nothing new. */
  answered(
    call: ActiveCall,
    tag: string,
    about: CallTexts | undefined,
    names: SipMessage,
    nowMs: UnixMs,
  ): Uint8Array | undefined {
    if (this.calls.get(call.key) !== call) return undefined;
    const before = call.stored === undefined ? undefined : decodeCall(call.stored);
    if (before?.answeredBy.includes(tag) || (before?.answeredBy.length ?? 0) >= FORKS_MAX) return undefined;
    if (call.startMs === 0) call.startMs = nowMs;
    const { direction, trunk, startMs } = call;
    const callId = headerOf(names, "Call-ID") ?? "";
    const caller = tagOf(names, "From") ?? "";
    const answeredBy = [...(before?.answeredBy ?? []), tag];
    const texts = before ?? about;
    if (texts === undefined) return undefined;
    call.stored = encodeCall({ ...texts, direction, trunk, startMs, callId, tag: caller, answeredBy });
    return call.stored;
  }

  /** The call that a request within a dialog speaks of, by the side that sent it. */
  of(request: SipRequest, side: ProxySide): { readonly call: ActiveCall; readonly tag: string } | undefined {
    if (side === "border") return undefined;
    const from = tagOf(request, "From");
    const to = tagOf(request, "To");
    if (from === undefined || to === undefined) return undefined;
    const byCaller = this.calls.get(keyOf(side === "pbx" ? "sent" : "received", request, from));
    if (byCaller !== undefined) return { call: byCaller, tag: to };
    const byCalled = this.calls.get(keyOf(side === "pbx" ? "received" : "sent", request, to));
    return byCalled === undefined ? undefined : { call: byCalled, tag: from };
  }

  /** A BYE was taken: the report where that was the last dialog of the call, or what to save where it was not. */
  hungUp({ call, tag, atMs }: Ending): { readonly report: CallReport } | { readonly save: Uint8Array } | undefined {
    if (this.calls.get(call.key) !== call || call.stored === undefined) return undefined;
    const stored = decodeCall(call.stored);
    if (stored === undefined) return undefined;
    const answeredBy = stored.answeredBy.filter((other) => other !== tag);
    if (answeredBy.length === stored.answeredBy.length) return undefined;
    if (answeredBy.length > 0) {
      call.stored = encodeCall({ ...stored, answeredBy });
      return { save: call.stored };
    }
    this.remove(call);
    const { callId: _, tag: __, answeredBy: ___, ...about } = stored;
    const startMs = unixMs(stored.startMs);
    return { report: { ...about, id: call.id, startMs, stopMs: unixMs(Math.max(startMs, atMs)) } };
  }

  /** A call of before the restart. False: its bytes are none of ours. */
  restore(id: string, bytes: Uint8Array): boolean {
    const stored = decodeCall(bytes);
    if (stored === undefined || stored.answeredBy.length === 0) return false;
    const key = keyText(stored.direction, stored.callId, stored.tag);
    const call = new ActiveCall(key, id, stored.direction, stored.trunk);
    call.startMs = stored.startMs;
    call.stored = bytes;
    this.calls.set(key, call);
    return true;
  }

  /** Forgets calls that cannot still be up. */
  expire(nowMs: number): ReadonlyArray<ActiveCall> {
    const old = [...this.calls.values()].filter(({ startMs }) => startMs > 0 && nowMs - startMs > CALL_MS_MAX);
    for (const call of old) this.remove(call);
    return old;
  }

  private remove(call: ActiveCall): void {
    if (this.calls.get(call.key) === call) this.calls.delete(call.key);
  }
}
/** 2xx of one call under different tags; those beyond pass and are not counted. */
const FORKS_MAX = 16;

const keyOf = (direction: Direction, message: SipMessage, tag: string | undefined): string =>
  keyText(direction, headerOf(message, "Call-ID") ?? "", tag ?? "");
