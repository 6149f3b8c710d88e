/**
 * How a call agent registers, stays registered and handles answers. draft-jennings-vipr-vap-02 §8.
 * Functions from the context and an event to what changes and what is ordered.
 */
import {
  errorCode,
  errorNumberOf,
  ourVersion,
  type VapAttribute,
  type VapContent,
  type VapMessage,
  valueIn,
} from "../../codecs/vap/mod.ts";
import type { Of } from "../kit/mod.ts";
import {
  asking,
  failRefused,
  isJob,
  isService,
  JOB_ATTEMPTS_MAX,
  numberStored,
  pump,
  putBack,
  refusalText,
  request,
  settle,
  stopRepublish,
} from "./client-jobs.ts";
import { isAccepted, isRevocation, revoke } from "./client-revoked.ts";
import type { Ask, ClientDecision, VapClientAction, VapClientContext, VapClientEvent, VapJob } from "./client-types.ts";

type Context = VapClientContext;
type Answered = Of<VapClientEvent, "answered">;

/** The next Register is due after this part of the Keepalive time. */
const KEEPALIVE_BETWEEN = [1 / 3, 1 / 2] as const;
/** The wait before a new connection doubles with every failure, up to this many times. */
const BACKOFF_DOUBLINGS_MAX = 6;

const whatOf = ({ asks }: Context, { ask }: Answered): Ask["what"] | undefined =>
  asks.find((candidate) => candidate.ask === ask)?.what;
const responseOf = ({ outcome }: Answered): VapMessage | undefined =>
  outcome.type === "answer" ? outcome.response : undefined;
const isSuccess = (response: VapMessage | undefined): response is VapMessage => response?.type.class === "success";
const errorOf = (event: Answered): number | undefined => {
  const response = responseOf(event);
  return response === undefined ? undefined : errorNumberOf(response);
};

/** Register: a new session, or with its handle the resumption of an old one. */
export const hello = (context: Context): ClientDecision<"ask"> => asking(context, [["register", register(context)]]);
const register = ({ name, handle }: Context): VapContent => {
  const resumed: ReadonlyArray<VapAttribute> = handle === undefined ? [] : [{ type: "clientHandle", value: handle }];
  return request("register", { type: "clientName", value: name }, ourVersion, ...resumed);
};

export const isRegister = (context: Context, event: Answered): boolean => whatOf(context, event) === "register";
export const isRegistered = (context: Context, event: Answered): boolean => {
  const response = responseOf(event);
  return isRegister(context, event) && isSuccess(response) && valueIn(response, "clientHandle") !== undefined;
};

export const ready = (
  context: Context,
  event: Answered,
): ClientDecision<"report" | "startTimer" | "stopTimer" | "ask"> => {
  const response = responseOf(event)!;
  const [handle, keepaliveMs] = [valueIn(response, "clientHandle"), valueIn(response, "keepalive") ?? 0];
  const isResumed = handle === context.handle;
  // A server that begins again knows of no numbers, though the overlay has them.
  const again = isResumed ? {} : { refreshBelow: context.stored.next, isRefreshing: false };
  const changed = {
    ...again,
    handle,
    // The server still has the subscriptions of a resumed session, and may send a Notify at once.
    subscription: isResumed ? context.subscription : undefined,
    keepaliveMs,
    failures: 0,
    asks: context.asks.filter(({ ask }) => ask !== event.ask),
  };
  const then = pump({ ...context, ...changed });
  return {
    context: { ...changed, ...then.context },
    actions: [
      { type: "report", what: "registered", why: "" },
      ...(context.isRefreshing && !isResumed ? [{ type: "stopTimer", timer: "refresh" } as const] : []),
      keepaliveTimer(keepaliveMs),
      ...(then.actions ?? []),
    ],
  };
};
/** Assumed when the server's answer has no Keepalive attribute. */
const KEEPALIVE_DEFAULT_MS = 60_000;
const keepaliveTimer = (keepaliveMs: number): Of<VapClientAction, "startTimer"> => {
  const ms = keepaliveMs === 0 ? KEEPALIVE_DEFAULT_MS : keepaliveMs;
  const [least, most] = KEEPALIVE_BETWEEN;
  return { type: "startTimer", timer: "keepalive", betweenMs: [Math.ceil(least * ms), Math.ceil(most * ms)] };
};

export const keepAlive = (context: Context): ClientDecision<"ask" | "startTimer"> => {
  const { context: changed, actions } = asking(context, [["keepalive", register(context)]]);
  return { context: changed ?? {}, actions: [...(actions ?? []), keepaliveTimer(context.keepaliveMs)] };
};

/** The connection is lost: requests without an answer are queued again, and a new connection is tried after a while. */
export const lose = (
  context: Context,
  what: "lost" | "refused",
  why: string,
): ClientDecision<"report" | "startTimer" | "stopTimer"> => {
  const wasRevoked = context.isRevoked;
  const doubled = 2 ** Math.min(context.failures, BACKOFF_DOUBLINGS_MAX);
  const [least, most] = context.reconnectMs;
  return {
    context: { ...putBack(context), isPublished: false, isRevoked: false, failures: context.failures + 1 },
    actions: [
      ...(wasRevoked ? [stopRepublish] : []),
      { type: "report", what, why },
      { type: "startTimer", timer: "reconnect", betweenMs: [least * doubled, most * doubled] },
    ],
  };
};

/**
 * 471 for the handle of a session that has ended, as after a restart of the server: "the connection is dead, reconnect without
 * handle". That is no failure of the server's, so that there is no wait; without a handle a 471 is one.
 */
export const isForgotten = (context: Context, event: Answered): boolean =>
  isRegister(context, event) && context.handle !== undefined && errorOf(event) === errorCode.badClientHandle;
export const startOver = (context: Context): ClientDecision => ({
  context: { ...putBack(context), handle: undefined, subscription: undefined, isPublished: false },
});

/** The server refuses this session: close the connection, and if it answered with an error forget the handle too. */
export const refused = (
  context: Context,
  event: Answered,
): ClientDecision<"disconnect" | "report" | "startTimer" | "stopTimer"> => {
  const error = errorOf(event);
  const response = responseOf(event);
  const why =
    error === undefined || response === undefined ? `no answer: ${event.outcome.type}` : refusalText(response);
  const { context: changed, actions } = lose(context, "refused", why);
  const handle = error === undefined ? context.handle : undefined;
  return { context: { ...changed, handle }, actions: [{ type: "disconnect" }, ...(actions ?? [])] };
};

const SESSION_ERRORS: ReadonlyArray<number> = [
  errorCode.badClientHandle,
  errorCode.integrityCheckFailure,
  errorCode.unknownUsername,
  errorCode.alreadyRegistered,
];
/** No answer within Ti, or an error that says that there is no session, or that the VService cannot be published again. */
export const isFatal = (context: Context, event: Answered): boolean => {
  const [what, error] = [whatOf(context, event), errorOf(event)];
  if (what === undefined) return false;
  const response = responseOf(event);
  if (event.outcome.type === "timedOut") return true;
  if (what === "subscribe" && isSuccess(response)) return valueIn(response, "subscriptionId") === undefined;
  if (error === undefined) return false;
  if (isRevocation(context, what, error)) return false;
  const isRefused = isService(what) && error !== errorCode.versionNumberTooLow;
  const isLost = isRefused && (isAccepted(context, what) || error === errorCode.unregistered);
  return SESSION_ERRORS.includes(error) || what === "keepalive" || what === "subscribe" || isLost;
};

export const answered = (
  context: Context,
  event: Answered,
): ClientDecision<"settle" | "startTimer" | "report" | "note"> => {
  const what = whatOf(context, event);
  const response = responseOf(event);
  if (what === undefined) return { actions: [{ type: "note", unexpected: "answered" }] };
  if (response === undefined) return {}; // lost: the event "lost" follows, and queues everything again
  const asks = context.asks.filter(({ ask }) => ask !== event.ask);
  const { context: changed, actions } = isJob(what)
    ? jobAnswered(context, what, response)
    : sessionAnswered(context, what, response);
  return { context: { asks, ...changed }, actions: actions ?? [] };
};

const sessionAnswered = (
  context: Context,
  what: Exclude<Ask["what"], VapJob>,
  response: VapMessage,
): ClientDecision<"settle" | "startTimer" | "report"> => {
  if (isService(what)) return serviceAnswered(context, what, response);
  if (what !== "subscribe") return {};
  return { context: { subscription: valueIn(response, "subscriptionId") } };
};

const serviceAnswered = (
  context: Context,
  what: Of<Exclude<Ask["what"], string>, "service">,
  response: VapMessage,
): ClientDecision<"settle" | "startTimer" | "report"> => {
  const { content, version } = what;
  // Nobody waits for one that was replaced meanwhile, and the next is asked for whatever the answer is.
  const wanted = context.wanted?.version === version ? context.wanted : undefined;
  if (isSuccess(response)) {
    const quota = valueIn(response, "quota");
    return {
      context: {
        isPublished: true,
        service: { content, version },
        ...(wanted === undefined ? {} : { wanted: undefined }),
        lifetimeMs: 1000 * (valueIn(response, "dhtLifetime") ?? 0),
      },
      actions: [
        { type: "report", what: "published", why: "" },
        ...settle(wanted?.ref ?? 0, { type: "done", ...(quota === undefined ? {} : { quota }) }),
      ],
    };
  }
  const error = errorNumberOf(response);
  if (isRevocation(context, what, error)) return revoke(context, refusalText(response));
  // 472: "choose a new instance id"; the old one goes with the session.
  if (error === errorCode.versionNumberTooLow)
    return { context: { instance: BigInt.asUintN(64, context.instance + 1n) } };
  return wanted === undefined ? {} : { context: { wanted: undefined }, actions: failRefused(wanted.ref, response) };
};

const jobAnswered = (context: Context, job: VapJob, response: VapMessage): ClientDecision<"settle" | "startTimer"> => {
  if (isSuccess(response)) {
    const isKept = job.type === "number" && job.isUnpublished !== true;
    const { context: changed, actions } = isKept ? numberStored(context, job.number) : {};
    return { context: changed ?? {}, actions: [...(actions ?? []), ...settle(job.ref, { type: "done" })] };
  }
  const error = errorNumberOf(response);
  const unregistered = error === errorCode.unregistered;
  const isWanted = job.type === "number" ? job.isUnpublished !== true : job.ref !== 0;
  const mayRetry = isWanted && (unregistered || error === errorCode.publicationFailed);
  if (!mayRetry || job.attempts + 1 >= JOB_ATTEMPTS_MAX) {
    // One that was to be published again is tried once more when the others are: it may be the overlay that was away.
    const again = job.type === "number" && job.ref === 0 && isWanted ? numberStored(context, job.number) : {};
    return { context: again.context ?? {}, actions: [...(again.actions ?? []), ...failRefused(job.ref, response)] };
  }
  const again = { ...job, attempts: job.attempts + 1 };
  const isPublished = context.isPublished && !unregistered;
  return again.type === "number"
    ? { context: { isPublished, numbers: [...context.numbers, again] } }
    : { context: { isPublished, vcrs: [...context.vcrs, again] } };
};

export const goodbye = (context: Context, { ref }: Of<VapClientEvent, "unregister">): ClientDecision<"ask"> => {
  const handle: ReadonlyArray<VapAttribute> =
    context.handle === undefined ? [] : [{ type: "clientHandle", value: context.handle }];
  const { context: changed, actions } = asking(context, [["unregister", request("unregister", ...handle)]]);
  return { context: { ...changed, ending: ref }, actions: actions ?? [] };
};
export const isGoodbye = (context: Context, event: Answered): boolean =>
  whatOf(context, event) === "unregister" && event.outcome.type !== "lost";
