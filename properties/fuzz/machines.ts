/** Machines of ours that `vipr fuzz` knows by name; their tests ask the same laws with the same inputs and events. */
import fc from "fast-check";
import { NOTICES_MAX } from "../../machines/fallback/callee.ts";
import { type CalleeEvent, type CallerEvent, fallbackCallee, fallbackCaller } from "../../machines/fallback/mod.ts";
import { mediaQuality, type QualityEvent, type Sample } from "../../machines/media/mod.ts";
import {
  proxyInviteClient,
  proxyInviteServer,
  proxyRequestClient,
  proxyRequestServer,
  responseContext,
} from "../../machines/proxy/mod.ts";
import { reloadLink } from "../../machines/reload/mod.ts";
import { inviteClient, inviteServer, nonInviteClient, nonInviteServer } from "../../machines/sip/mod.ts";
import { type VapTransactionEvent, vapTransaction } from "../../machines/vap/mod.ts";
import { machineSubject } from "../kit/subject.ts";
import { linkEvents } from "../reload/link-events.ts";
import { bye, event, invite, record, response } from "../sip/samples.ts";
import { idOf, responses } from "../vap/values.ts";

const t1Ms = fc.integer({ min: 1, max: 1_000 });
const lost = event("lost", { why: fc.constant("reset") });

/** RFC 3261 §17 over a reliable transport. */
export const sipMachines = [
  machineSubject(inviteClient, {
    inputs: record({ request: fc.constant(invite), t1Ms }),
    events: () => fc.oneof(event("received", { response: response() }), event("giveUp"), lost),
  }),
  machineSubject(nonInviteClient, {
    inputs: record({ request: fc.constant(bye), t1Ms }),
    events: () => fc.oneof(event("received", { response: response(bye) }), lost),
  }),
  machineSubject(inviteServer, {
    inputs: record({ request: fc.constant(invite), t1Ms }),
    events: () =>
      fc.oneof(event("respond", { response: response() }), event("repeated"), event("acked"), event("cancelled"), lost),
  }),
  machineSubject(nonInviteServer, {
    inputs: record({ request: fc.constant(bye), t1Ms }),
    events: () => fc.oneof(event("respond", { response: response(bye) }), event("repeated"), lost),
  }),
];

const hops = fc
  .tuple(fc.boolean(), fc.nat(3))
  .filter(([vipr, peers]) => vipr || peers > 0)
  .map(([vipr, peers]) => [
    ...(vipr ? (["vipr"] as const) : []),
    ...Array.from({ length: peers }, () => "peer" as const),
  ]);
const onAny = record({ isReliable: fc.boolean(), t1Ms });
const clientEvents = () =>
  fc.oneof(...(["provisional", "success", "refusal", "unreachable"] as const).map((type) => event(type)));
const serverEvents = () =>
  fc.oneof(...(["repeated", "provisional", "success", "refusal", "acked"] as const).map((type) => event(type)));

/** RFC 3261 §17 and RFC 6026 over any transport, and §16.7. */
export const proxyMachines = [
  machineSubject(proxyInviteClient, { inputs: onAny, events: () => fc.oneof(clientEvents(), event("cancelled")) }),
  machineSubject(proxyRequestClient, { inputs: onAny, events: clientEvents }),
  machineSubject(proxyInviteServer, { inputs: onAny, events: serverEvents }),
  machineSubject(proxyRequestServer, { inputs: onAny, events: () => fc.oneof(serverEvents(), event("abandoned")) }),
  machineSubject(responseContext, {
    inputs: record({
      isInvite: fc.boolean(),
      hops,
      attemptMs: fc.integer({ min: 1, max: 5_000 }),
      silenceMs: fc.integer({ min: 1, max: 5_000 }),
      ringMs: fc.constant(185_000),
      t1Ms: fc.constant(500),
    }),
    events: () =>
      fc.oneof(
        ...(["trying", "provisional", "early", "success", "unusable", "cancelled"] as const).map((type) => event(type)),
        event("refusal", { isRetryable: fc.boolean() }),
        event("failed", { why: fc.constantFrom("timedOut" as const, "unreachable" as const) }),
      ),
  }),
];

const ms = fc.integer({ min: 500, max: 20_000 });
export const eventOf = <E extends { readonly type: string }>(...types: ReadonlyArray<E["type"]>): fc.Arbitrary<E> =>
  fc.constantFrom(...types).map((type) => ({ type }) as E);

const notice: CalleeEvent = { type: "timerFired", timer: "notice" };
export const fallbackMachines = [
  machineSubject(fallbackCaller, {
    inputs: record({ answerMs: ms, noticeMs: ms, t1Ms: ms }),
    events: () => eventOf<CallerEvent>("offered", "refused", "answered", "failed", "settled", "over", "trunkOver"),
  }),
  machineSubject(
    fallbackCallee,
    {
      inputs: record({ tells: fc.boolean(), noticeMs: ms, t1Ms: ms }),
      events: () => eventOf<CalleeEvent>("invited", "cancelled", "refused", "settled", "acked", "over", "trunkOver"),
    },
    {
      plays: [
        { input: { tells: true, noticeMs: 500, t1Ms: 500 }, events: Array.from({ length: NOTICES_MAX }, () => notice) },
      ],
    },
  ),
];

export const samples: fc.Arbitrary<Sample> = record<Sample>({
  packets: fc.nat(200),
  lost: fc.nat(50),
  reportedLoss: fc.option(fc.nat(255), { nil: undefined }),
});

export const mediaMachines = [
  machineSubject(mediaQuality, {
    inputs: record({
      // Longer than IME has it: the laws let minutes pass between events.
      sampleMs: fc.integer({ min: 5_000, max: 20_000 }),
      holdDownMs: fc.integer({ min: 10_000, max: 360_000 }),
      windowSamples: fc.integer({ min: 1, max: 4 }),
      lossMax: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    events: () =>
      fc.oneof(
        { weight: 6, arbitrary: samples.map((sample): QualityEvent => ({ type: "sampled", sample })) },
        fc.constantFrom<QualityEvent>({ type: "held" }, { type: "resumed" }, { type: "ended" }),
      ),
  }),
];

export const vapInput = {
  request: { method: "subscribe", class: "request", attributes: [] },
  transactionId: idOf(1),
  timeoutMs: 39_500,
} as const;

export const vapMachines = [
  machineSubject(vapTransaction, {
    inputs: fc.constant(vapInput),
    events: () =>
      fc.oneof<Array<fc.Arbitrary<VapTransactionEvent>>>(
        fc.tuple(responses, fc.boolean(), fc.constantFrom(1, 2)).map(([response, genuine, id]) => ({
          type: "answered" as const,
          response: { ...response, transactionId: idOf(id) },
          genuine,
        })),
        fc.constant({ type: "lost" as const, why: "reset" }),
      ),
  }),
];

/** RFC 6940 §6.6. */
export const reloadMachines = [
  machineSubject(reloadLink, {
    inputs: fc.record({ rtoMsMin: fc.integer({ min: 1, max: 3_000 }), holdMs: fc.integer({ min: 1, max: 30_000 }) }),
    events: () => linkEvents,
  }),
];

export const ownMachines = [
  ...sipMachines,
  ...proxyMachines,
  ...fallbackMachines,
  ...mediaMachines,
  ...vapMachines,
  ...reloadMachines,
];
