/**
 * Takes calls over SIP whose media are bad to the telephone network: a user agent beside the call agent's proxy, which calls
 * for the caller's side and answers for the called one. RFC 3261 §8, §12 to §15; docs/protocol/media.md#fallback.
 * DECISIONS.md D-170 to D-172.
 *
 *   trouble, caller --> fallbackCaller -- invite --> agent --> trunks
 *   trouble, callee --> fallbackCallee <-- INVITE -- agent <-- trunk: takes(), the same number and caller
 *                            |-- settle, move --> relay      |-- hangUp --> agent: BYE to both telephones
 *
 * It knows no socket and no clock: whoever hosts it performs its orders and calls `due` at `nextMs`.
 */
import { keepNewest } from "../../codecs/shared/mod.ts";
import { headerOf, type Sdp, type SipMessage, type SipRequest, tagOf } from "../../codecs/sip/mod.ts";
import { Ids, sipCallKey } from "../proxy/mod.ts";
import { descriptionIn } from "../sip/mod.ts";
import { type CalleeOrder, fallbackCallee } from "./callee.ts";
import { type CallerOrder, fallbackCaller } from "./caller.ts";
import { TrunkDialogs } from "./dialogs.ts";
import { type KnownCall, KnownCalls } from "./known.ts";
import { FallbackLeg } from "./leg.ts";
import type { FallbackOptions, FallbackOrder, FallbackOutcome, RelayAnswer } from "./types.ts";

/** On their way to the telephone network, or there. Each costs a trunk's line. */
export const FALLBACKS_MAX = 30;
/** Calls that wait for a trunk's call to come: they cost nothing else. */
const WAITING_MAX = 1_000;
/** Questions to the relay that it has not answered yet. */
const ASKED_MAX = 1_000;
/** INVITEs that were taken and have not come yet. */
const EXPECTED_MAX = 64;
const NOTICE_MS = 1_000;
const T1_MS = 500;

type RelayAsk = { readonly ask: "offer" } | { readonly ask: "settle"; readonly sdp: Sdp };

export class FallbackCore {
  private readonly options: FallbackOptions;
  private readonly t1Ms: number;
  private readonly ids: Ids;
  private readonly known = new KnownCalls();
  /** By the call over SIP. */
  private readonly legs = new Map<string, FallbackLeg>();
  private readonly dialogs: TrunkDialogs;
  /** By Call-ID and tag of the INVITE that continues it. */
  private readonly expected = new Map<string, string>();
  private readonly asked = new Map<number, (answer: RelayAnswer, nowMs: number) => void>();
  private count = 0;
  private orders: Array<FallbackOrder> = [];

  constructor(options: FallbackOptions, nowMs: number) {
    this.options = options;
    this.t1Ms = options.t1Ms ?? T1_MS;
    this.ids = new Ids(options.mark);
    const user = {
      send: (bytes: Uint8Array) => void this.orders.push({ type: "send", bytes }),
      tell: (leg: FallbackLeg, event: object, nowMs: number) => this.tell(leg, event, nowMs),
      legOf: (invite: SipRequest) => this.legOf(invite),
      settle: (leg: FallbackLeg, sdp: Sdp, then: (answer: RelayAnswer, nowMs: number) => void) =>
        this.ask(leg, { ask: "settle", sdp }, then),
    };
    this.dialogs = new TrunkDialogs(user, options, this.ids, this.t1Ms, nowMs);
  }

  setOffset(): void {}
  take(): ReadonlyArray<FallbackOrder> {
    const { orders } = this;
    if (orders.length > 0) this.orders = [];
    return orders;
  }
  due(nowMs: number) {
    this.dialogs.transactions.due(nowMs);
  }
  nextMs(): number | undefined {
    return this.dialogs.transactions.nextMs();
  }

  get size(): { readonly known: number; readonly legs: number; readonly transactions: number; readonly asked: number } {
    const { known, legs, dialogs, asked } = this;
    return { known: known.size, legs: legs.size, transactions: dialogs.transactions.size, asked: asked.size };
  }

  /** A call over SIP is up. */
  up(key: string, role: "caller" | "callee", invite: SipRequest) {
    const numbers = this.options.numbers(invite, role === "caller" ? "pbx" : "border");
    this.known.add({ key, role, invite, ...numbers });
  }

  /** Either of its telephones has hung up. */
  over(key: string, nowMs: number) {
    this.known.remove(key);
    const leg = this.legs.get(key);
    if (leg !== undefined) this.tell(leg, { type: "over" }, nowMs);
  }

  /** The media of a call are bad: here, or as the other side tells. `media`: as the relay names it. */
  trouble(key: string, media: string, isNotice: boolean, nowMs: number) {
    const call = this.known.of(key);
    if (call === undefined) return;
    call.badSinceMs ??= nowMs;
    call.badAtMs = nowMs;
    if (this.legs.has(key) || call.isTried) return;
    if (call.role === "callee") return this.await(call, media, !isNotice, nowMs);
    call.isTried = true;
    if (call.calling.length < this.options.matchDigits) return this.outcome("caller", "withheld");
    if (this.trunkLines >= FALLBACKS_MAX) return this.outcome("caller", "limit");
    const { answerMs } = this.options;
    const { snapshot, actions } = fallbackCaller.start({ answerMs, noticeMs: NOTICE_MS, t1Ms: this.t1Ms });
    this.begin(new FallbackLeg(call, media, fallbackCaller, snapshot, this.ids.tag()), actions, nowMs);
  }

  /** We end: a call of the trunk that nobody relays any more would be paid for, in silence. */
  stop(nowMs: number) {
    for (const leg of [...this.legs.values()]) this.tell(leg, { type: "over" }, nowMs);
  }

  /** Whether a call of a trunk continues one of ours: the agent is to bring it here. */
  takes(invite: SipRequest, trunk: string, nowMs: number): boolean {
    if (descriptionIn(invite).type !== "sdp" || headerOf(invite, "Require") !== undefined) return false;
    const { numbers, matchDigits, silence } = this.options;
    const found = this.known.continuedBy(numbers(invite, { trunk }), matchDigits, nowMs, ({ invite }) =>
      silence(invite),
    );
    if (found === undefined || this.trunkLines >= FALLBACKS_MAX) return false;
    const { call, media } = found;
    // The media have stopped, and our own hold-down has not said so yet.
    if (!this.legs.has(call.key)) this.await(call, media, false, nowMs);
    if (!this.legs.has(call.key)) return false;
    keepNewest(this.expected, EXPECTED_MAX, nameOf(invite), call.key);
    return true;
  }

  /** What the agent sends us. */
  receive(message: SipMessage, nowMs: number) {
    this.dialogs.receive(message, nowMs);
  }

  /** What the relay has answered. */
  relayed(id: number, answer: RelayAnswer, nowMs: number) {
    const then = this.asked.get(id);
    this.asked.delete(id);
    then?.(answer, nowMs);
  }

  /** The called side: until the caller's side calls over the telephone network. */
  private await(call: KnownCall, media: string, tells: boolean, nowMs: number) {
    if (this.legs.size >= WAITING_MAX) return this.outcome("callee", "limit");
    const { snapshot, actions } = fallbackCallee.start({ tells, noticeMs: NOTICE_MS, t1Ms: this.t1Ms });
    this.begin(new FallbackLeg(call, media, fallbackCallee, snapshot, this.ids.tag()), actions, nowMs);
  }

  private begin(leg: FallbackLeg, actions: ReadonlyArray<any>, nowMs: number) {
    this.legs.set(leg.call.key, leg);
    this.performAll(leg, actions, nowMs);
  }

  /** Legs with a dialog of the telephone network's. */
  private get trunkLines(): number {
    let lines = 0;
    for (const { callId, call } of this.legs.values()) if (callId !== "" || call.role === "caller") lines++;
    return lines;
  }

  private legOf(invite: SipRequest): FallbackLeg | undefined {
    const key = this.expected.get(nameOf(invite));
    this.expected.delete(nameOf(invite));
    const leg = key === undefined ? undefined : this.legs.get(key);
    if (leg === undefined || leg.call.isTried) return undefined;
    leg.call.isTried = true;
    return leg;
  }

  private tell(leg: FallbackLeg, event: object, nowMs: number) {
    if (leg.snapshot.status !== "active") return;
    const { snapshot, actions } = leg.machine.step(leg.snapshot, event);
    leg.snapshot = snapshot;
    this.performAll(leg, actions, nowMs);
    if (snapshot.status === "active") return;
    this.dialogs.forget(leg);
    if (this.legs.get(leg.call.key) === leg) this.legs.delete(leg.call.key);
  }

  private performAll(leg: FallbackLeg, actions: ReadonlyArray<CallerOrder | CalleeOrder>, nowMs: number) {
    for (const action of actions) this.perform(leg, action, nowMs);
  }

  private perform(leg: FallbackLeg, order: CallerOrder | CalleeOrder, nowMs: number) {
    const { dialogs, orders } = this;
    const { media: call } = leg;
    switch (order.type) {
      case "tell":
      case "move":
        return void orders.push({ type: order.type, call });
      case "offer":
        return this.ask(leg, { ask: "offer" }, this.heard(leg, "offered"));
      case "settle":
        if (leg.theirs === undefined) return this.tell(leg, { type: "refused" }, nowMs);
        return this.ask(leg, { ask: "settle", sdp: leg.theirs }, this.heard(leg, "settled"));
      case "invite":
        return dialogs.invite(leg, nowMs);
      case "cancel":
        return dialogs.cancel(leg, nowMs);
      case "acknowledge":
        return dialogs.acknowledge(leg);
      case "respond":
        return dialogs.respond(leg, order.status, nowMs);
      case "bye":
        return dialogs.bye(leg, nowMs);
      case "hangUp":
        return void orders.push({ type: "hangUp", key: leg.call.key });
      case "moved":
        return this.outcome(leg.call.role, "moved");
      case "stayed":
        return this.outcome(leg.call.role, order.why);
      case "startTimer":
        return dialogs.transactions.start(leg, order.timer, order.ms, nowMs);
      case "stopTimer":
        return dialogs.transactions.stop(leg, order.timer);
    }
  }

  private heard(leg: FallbackLeg, type: "offered" | "settled") {
    return (answer: RelayAnswer, nowMs: number) => {
      if ("refused" in answer) return this.tell(leg, { type: "refused" }, nowMs);
      leg.ours = answer.sdp;
      this.tell(leg, { type }, nowMs);
    };
  }

  private ask(leg: FallbackLeg, what: RelayAsk, then: (answer: RelayAnswer, nowMs: number) => void) {
    const id = ++this.count;
    // The oldest was forgotten by whoever should have answered.
    keepNewest(this.asked, ASKED_MAX, id, then);
    this.orders.push({ type: "media", id, call: leg.media, ...what });
  }

  private outcome(role: "caller" | "callee", what: FallbackOutcome) {
    this.orders.push({ type: "outcome", role, what });
  }
}

const nameOf = (invite: SipRequest): string =>
  sipCallKey(headerOf(invite, "Call-ID") ?? "", tagOf(invite, "From") ?? "");
