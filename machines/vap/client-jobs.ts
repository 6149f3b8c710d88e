/**
 * The queues of a call agent's session: the VService is published first, then its numbers and call records, since the
 * server accepts those of a published VService only. Functions from the context to what changes and what is requested.
 */
import { type E164, ntpFromMs, type Vcr, type VServiceId } from "../../codecs/shared/mod.ts";
import {
  anyInstance,
  errorNumberOf,
  service,
  subservice,
  type VapAttribute,
  type VapContent,
  type VapMessage,
  type VapMethod,
  valueIn,
  writeVService,
} from "../../codecs/vap/mod.ts";
import type { Decision, Of } from "../kit/mod.ts";
import type {
  Ask,
  ClientDecision,
  VapClientAction,
  VapClientContext,
  VapClientEvent,
  VapFailure,
  VapJob,
  VapResult,
  VersionedService,
} from "./client-types.ts";
import { forgotten, isStored, oldestBelow, remembered } from "./stored-numbers.ts";

/** Numbers of one session: those that wait, and those that are published again, each some 45 bytes beside its text. */
export const NUMBERS_MAX = 1_200_000;
/** Numbers of one session that wait for their first publication, somebody for each. */
export const WAITING_NUMBERS_MAX = 20_000;
/** Call records of one session that wait. */
export const VCRS_MAX = 10_000;
/** UploadVCR requests without an answer yet. */
const VCRS_ASKED_MAX = 8;
/**
 * Numbers whose Publish has no answer yet, which comes when the overlay has stored it. Two keep ten stores a second going where one
 * takes 200 ms; with more, the numbers of hundreds of sessions would wait for the server longer than an answer is waited for.
 */
export const NUMBERS_ASKED_MAX = 2;
export const JOB_ATTEMPTS_MAX = 3;

/** Refreshing begins after two thirds of the lifetime at the latest; the jitter keeps agents apart. */
const REFRESH_BETWEEN = [0.6, 2 / 3] as const;

type Context = VapClientContext;
type Settle = Of<VapClientAction, "settle">;

/** Nobody waits for ref 0. */
export const settle = (ref: number, result: VapResult): ReadonlyArray<Settle> =>
  ref === 0 ? [] : [{ type: "settle", ref, result }];
export const fail = (ref: number, reason: VapFailure, why: string): ReadonlyArray<Settle> =>
  settle(ref, { type: "failed", reason, why });
/** The server has answered with an error: its number, and what the server says of it. */
export const failRefused = (ref: number, response: VapMessage): ReadonlyArray<Settle> => {
  const code = errorNumberOf(response);
  return settle(ref, {
    type: "failed",
    reason: "refused",
    ...(code === undefined ? {} : { code }),
    why: refusalText(response),
  });
};
export const refusalText = (response: VapMessage): string =>
  `error ${errorNumberOf(response)}: ${valueIn(response, "errorCode")?.reason ?? ""}`;

/** Queues what the embedder wants published or uploaded. A limit that is reached fails it at once. */
export const take = (
  context: Context,
  event: Of<VapClientEvent, "publishService" | "publishNumber" | "upload">,
): ClientDecision<"settle"> => {
  const { numbers, stored, vcrs, wanted, service } = context;
  switch (event.type) {
    case "publishService": {
      const before = wanted ?? service;
      const version = before === undefined ? context.firstVersion : before.version + 1;
      return {
        context: { wanted: { ref: event.ref, content: event.content, version } },
        actions: fail(wanted?.ref ?? 0, "replaced", "replaced by another"),
      };
    }
    case "publishNumber": {
      if (numbers.length >= WAITING_NUMBERS_MAX) return { actions: fail(event.ref, "full", "too many numbers wait") };
      if (!isStored(stored, event.number) && numbers.length + stored.places.size >= NUMBERS_MAX)
        return { actions: fail(event.ref, "full", `a session has ${NUMBERS_MAX} numbers at most`) };
      return {
        context: { numbers: [...numbers, { type: "number", ref: event.ref, number: event.number, attempts: 0 }] },
      };
    }
    case "upload": {
      if (vcrs.length >= VCRS_MAX) return { actions: fail(event.ref, "full", "too many call records wait") };
      return { context: { vcrs: [...vcrs, { type: "vcr", ref: event.ref, vcr: event.vcr, attempts: 0 }] } };
    }
  }
};

/** An upload that nobody waits for: out of the queue; one that was sent already is not sent again. */
export const withdraw = ({ vcrs, asks }: Context, { ref }: Of<VapClientEvent, "withdraw">): ClientDecision => ({
  context: {
    vcrs: vcrs.filter((job) => job.ref !== ref),
    asks: asks.map((ask) =>
      isJob(ask.what) && ask.what.type === "vcr" && ask.what.ref === ref
        ? { ...ask, what: { ...ask.what, ref: 0 } }
        : ask,
    ),
  },
});

export const unpublish = (
  { numbers, stored, asks }: Context,
  { number }: Of<VapClientEvent, "unpublishNumber">,
): ClientDecision<"settle"> => ({
  context: {
    numbers: numbers.filter((job) => job.number !== number),
    stored: forgotten(stored, number),
    asks: asks.map((ask) =>
      isJob(ask.what) && ask.what.type === "number" && ask.what.number === number
        ? { ...ask, what: { ...ask.what, isUnpublished: true } }
        : ask,
    ),
  },
  actions: numbers.flatMap((job) => (job.number === number ? fail(job.ref, "replaced", "unpublished") : [])),
});

/** A decision, followed by every request that can be sent after it. */
export const pumped =
  <E, A>(of: (context: Context, event: E) => Decision<Context, A>) =>
  (context: Context, event: E): Decision<Context, A | Of<VapClientAction, "ask">> => {
    const first = of(context, event);
    const then = pump({ ...context, ...first.context });
    return {
      context: { ...first.context, ...then.context },
      actions: [...(first.actions ?? []), ...(then.actions ?? [])],
    };
  };

export const pump = (context: Context): ClientDecision<"ask"> => {
  const { service, isPublished, isRevoked, subscription, asks, vcrs } = context;
  const unpublished = context.wanted ?? (isPublished ? undefined : service);
  if (isRevoked) return {};
  if (unpublished !== undefined) {
    if (asks.some(({ what }) => isService(what))) return {};
    const { content, version } = unpublished;
    return asking(context, [[{ type: "service", content, version }, publishService(context, unpublished)]]);
  }
  if (service === undefined) return {};
  const wanted: Array<readonly [Ask["what"], VapContent]> = [];
  if (subscription === undefined && !isOut(asks, "subscribe")) wanted.push(["subscribe", subscribe(context)]);
  const { jobs, left } = nextNumbers(context, NUMBERS_ASKED_MAX - jobsOut(asks, "number"));
  wanted.push(...jobs.map((job) => [job, publishNumber(context, job)] as const));
  const records = vcrs.slice(0, Math.max(0, VCRS_ASKED_MAX - jobsOut(asks, "vcr")));
  wanted.push(...records.map((job) => [job, upload(context, job.vcr)] as const));
  const { context: changed, actions } = asking(context, wanted);
  return {
    context: {
      ...changed,
      ...left,
      vcrs: vcrs.slice(records.length),
    },
    actions: actions ?? [],
  };
};
const jobsOut = (asks: ReadonlyArray<Ask>, type: VapJob["type"]): number =>
  asks.filter(({ what }) => isJob(what) && what.type === type).length;

type NumberJob = Of<VapJob, "number">;
type WithNumbers = Pick<Context, "numbers" | "stored" | "refreshBelow">;
/** As many as there is room for, and what is left without them. Those that somebody waits for go before those that are published again. */
const nextNumbers = (
  { numbers, stored, refreshBelow }: WithNumbers,
  room: number,
): { readonly jobs: ReadonlyArray<NumberJob>; readonly left: Pick<Context, "numbers" | "stored"> } => {
  const first = numbers.slice(0, Math.max(0, room));
  const again: Array<NumberJob> = [];
  let kept = stored;
  while (first.length + again.length < room) {
    const number = oldestBelow(kept, refreshBelow);
    if (number === undefined) break;
    again.push({ type: "number", ref: 0, number, attempts: 0 });
    kept = forgotten(kept, number);
  }
  return { jobs: [...first, ...again], left: { numbers: numbers.slice(first.length), stored: kept } };
};
export const isService = (what: Ask["what"]): what is Of<Exclude<Ask["what"], string>, "service"> =>
  typeof what === "object" && what.type === "service";
export const isJob = (what: Ask["what"]): what is VapJob => typeof what === "object" && what.type !== "service";
const isOut = (asks: ReadonlyArray<Ask>, what: Ask["what"]): boolean => asks.some((ask) => ask.what === what);

/** Requests are sent, and remembered until they are answered. */
export const asking = (
  context: Context,
  wanted: ReadonlyArray<readonly [Ask["what"], VapContent]>,
): ClientDecision<"ask"> => ({
  context: {
    asks: [...context.asks, ...wanted.map(([what], i) => ({ ask: context.nextAsk + i, what }))],
    nextAsk: context.nextAsk + wanted.length,
  },
  actions: wanted.map(([, request], i) => ({ type: "ask", ask: context.nextAsk + i, request })),
});
export const request = (method: VapMethod, ...attributes: ReadonlyArray<VapAttribute>): VapContent => ({
  method,
  class: "request",
  attributes,
});

const identity = (serviceId: number, subserviceId: number, vservice: VServiceId, instance: bigint): VapAttribute => ({
  type: "serviceIdentity",
  value: { service: serviceId, subservice: subserviceId, vservice, instance },
});

const publishService = ({ vservice, instance }: Context, { content, version }: VersionedService) =>
  request(
    "publish",
    identity(service.publish, subservice.vservice, vservice, instance),
    { type: "serviceVersion", value: version },
    { type: "serviceContent", value: writeVService(content) },
  );
const publishNumber = ({ vservice, instance }: Context, { number }: { readonly number: string }) =>
  request("publish", identity(service.publish, subservice.number, vservice, instance), {
    type: "calledNumber",
    value: number,
  });
const subscribe = ({ vservice }: Context) =>
  request("subscribe", identity(service.subscribe, subservice.number, vservice, anyInstance));
const upload = ({ vservice, instance }: Context, vcr: Vcr) =>
  request(
    "uploadVcr",
    { type: "callingNumber", value: vcr.calling ?? "" },
    { type: "calledNumber", value: vcr.called },
    { type: "startTime", value: ntpFromMs(vcr.startMs) },
    { type: "stopTime", value: ntpFromMs(vcr.stopMs) },
    { type: "callDirection", value: vcr.direction },
    identity(service.vcr, subservice.number, vservice, instance),
  );

/** The overlay stores a number. The first of several starts the timer after which all of them are published again. */
export const numberStored = (context: Context, number: E164): ClientDecision<"startTimer"> => {
  const { stored, isRefreshing, lifetimeMs } = context;
  const [least, most] = REFRESH_BETWEEN;
  return {
    context: { stored: remembered(stored, number), isRefreshing: isRefreshing || lifetimeMs > 0 },
    actions:
      isRefreshing || lifetimeMs === 0
        ? []
        : [{ type: "startTimer", timer: "refresh", betweenMs: [least * lifetimeMs, most * lifetimeMs] }],
  };
};
/** A few at a time, the oldest first: a session has too many of them to ask for all in one event. */
export const refreshNumbers = ({ stored, isRefreshing }: Context): ClientDecision =>
  isRefreshing ? { context: { refreshBelow: stored.next, isRefreshing: false } } : {};

/** Nobody waits for it, and it is not to be published. */
const isLeftOut = ({ ref, isUnpublished }: Of<VapJob, "number">): boolean => ref === 0 && isUnpublished === true;

/** Requests without an answer go back to the head of their queues, but for uploads that nobody waits for. */
export const putBack = ({ asks, numbers, vcrs }: Context): Pick<Context, "asks" | "numbers" | "vcrs"> => {
  const jobs = asks.flatMap(({ what }) => (isJob(what) ? [what] : []));
  return {
    asks: [],
    numbers: [...jobs.filter((job) => job.type === "number").filter((job) => !isLeftOut(job)), ...numbers],
    vcrs: [...jobs.filter((job) => job.type === "vcr").filter(({ ref }) => ref !== 0), ...vcrs],
  };
};

export const stopRepublish = { type: "stopTimer", timer: "republish" } as const;

/** The end: every caller that waits gets its result, and no timer is left running. */
export const finished = (context: Context): ClientDecision<"stopTimer" | "settle"> => {
  const { numbers, vcrs } = putBack(context);
  const refs = [context.wanted?.ref ?? 0, ...[...numbers, ...vcrs].map(({ ref }) => ref)];
  return {
    context: { asks: [], numbers: [], vcrs: [], wanted: undefined, isRefreshing: false, isRevoked: false },
    actions: [
      ...(context.isRevoked ? [stopRepublish] : []),
      ...(context.isRefreshing ? [{ type: "stopTimer" as const, timer: "refresh" as const }] : []),
      ...refs.flatMap((ref) => fail(ref, "ended", "unregistered")),
      ...settle(context.ending, { type: "done" }),
    ],
  };
};
