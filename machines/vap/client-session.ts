/**
 * How a call agent registers, stays registered and takes what it is answered. draft-jennings-vipr-vap-02 §8.
 * Functions from a session and an event to what changes and what is ordered.
 */
import {
  errorAttribute,
  errorCode,
  errorNumberOf,
  ourVersion,
  readValInfo,
  type VapAttribute,
  type VapContent,
  type VapError,
  type VapMessage,
  valueIn,
} from "../../codecs/vap/mod.ts";
import type { Ask, VapClientAction, VapClientContext, VapClientEvent, VapJob } from "./client.ts";
import {
  asking,
  type Decided,
  fail,
  isJob,
  isService,
  JOB_ATTEMPTS_MAX,
  keepNumber,
  pump,
  putBack,
  request,
  settle,
} from "./client-jobs.ts";

type Context = VapClientContext;
type Event<K extends VapClientEvent["type"]> = Extract<VapClientEvent, { readonly type: K }>;

/** Of Keepalive: when the next sign of life is due. */
const KEEPALIVE_BETWEEN = [1 / 3, 1 / 2] as const;
/** Waits double up to this many times. */
const BACKOFF_DOUBLINGS_MAX = 6;

const whatOf = ({ asks }: Context, { ask }: Event<"answered">): Ask["what"] | undefined =>
  asks.find((candidate) => candidate.ask === ask)?.what;
const responseOf = ({ outcome }: Event<"answered">): VapMessage | undefined =>
  outcome.type === "answer" ? outcome.response : undefined;
const isSuccess = (response: VapMessage | undefined): response is VapMessage => response?.type.class === "success";
const errorOf = (event: Event<"answered">): number | undefined => {
  const response = responseOf(event);
  return response === undefined ? undefined : errorNumberOf(response);
};

/** Register: anew, or with the handle of a session that is to be taken up again. */
export const hello = (context: Context): Decided => asking(context, [["register", register(context)]]);
const register = ({ name, handle }: Context): VapContent => {
  const resumed: ReadonlyArray<VapAttribute> = handle === undefined ? [] : [{ type: "clientHandle", value: handle }];
  return request("register", { type: "clientName", value: name }, ourVersion, ...resumed);
};

export const isRegister = (context: Context, event: Event<"answered">): boolean =>
  whatOf(context, event) === "register";
export const isRegistered = (context: Context, event: Event<"answered">): boolean => {
  const response = responseOf(event);
  return isRegister(context, event) && isSuccess(response) && valueIn(response, "clientHandle") !== undefined;
};

export const ready = (context: Context, event: Event<"answered">): Decided => {
  const response = responseOf(event)!;
  const [handle, keepaliveMs] = [valueIn(response, "clientHandle"), valueIn(response, "keepalive") ?? 0];
  const changed = {
    handle,
    // The server still knows the subscriptions of a session that is taken up again, and may use them at once.
    subscription: handle === context.handle ? context.subscription : undefined,
    keepaliveMs,
    failures: 0,
    asks: context.asks.filter(({ ask }) => ask !== event.ask),
  };
  const then = pump({ ...context, ...changed });
  return {
    context: { ...changed, ...then.context },
    actions: [{ type: "report", what: "registered", why: "" }, keepaliveTimer(keepaliveMs), ...(then.actions ?? [])],
  };
};
/** A server that names no time is asked each half minute. */
const KEEPALIVE_DEFAULT_MS = 60_000;
const keepaliveTimer = (keepaliveMs: number): VapClientAction => {
  const ms = keepaliveMs === 0 ? KEEPALIVE_DEFAULT_MS : keepaliveMs;
  const [least, most] = KEEPALIVE_BETWEEN;
  return { type: "startTimer", timer: "keepalive", betweenMs: [Math.ceil(least * ms), Math.ceil(most * ms)] };
};

export const keepAlive = (context: Context): Decided => {
  const { context: changed, actions } = asking(context, [["keepalive", register(context)]]);
  return { context: changed ?? {}, actions: [...(actions ?? []), keepaliveTimer(context.keepaliveMs)] };
};

/** The connection is gone: what was out is put back, and after a while we try again. */
export const lose = (context: Context, what: "lost" | "refused", why: string): Decided => {
  const doubled = 2 ** Math.min(context.failures, BACKOFF_DOUBLINGS_MAX);
  const [least, most] = context.reconnectMs;
  return {
    context: { ...putBack(context), isPublished: false, failures: context.failures + 1 },
    actions: [
      { type: "report", what, why },
      { type: "startTimer", timer: "reconnect", betweenMs: [least * doubled, most * doubled] },
    ],
  };
};

/** The server does not want this session as it is: leave the connection, and a handle that it does not know. */
export const refused = (context: Context, event: Event<"answered">): Decided => {
  const error = errorOf(event);
  const why = error === undefined ? `no answer: ${event.outcome.type}` : `error ${error}`;
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
/** No answer in Ti, or one that says that there is no session, or that it cannot have what was published before. */
export const isFatal = (context: Context, event: Event<"answered">): boolean => {
  const [what, error] = [whatOf(context, event), errorOf(event)];
  if (what === undefined) return false;
  const response = responseOf(event);
  if (event.outcome.type === "timedOut") return true;
  if (what === "subscribe" && isSuccess(response)) return valueIn(response, "subscriptionId") === undefined;
  if (error === undefined) return false;
  const isRefused = isService(what) && error !== errorCode.versionNumberTooLow;
  const isLost = isRefused && (context.service?.ref === 0 || error === errorCode.unregistered);
  return SESSION_ERRORS.includes(error) || what === "keepalive" || what === "subscribe" || isLost;
};

export const answered = (context: Context, event: Event<"answered">): Decided => {
  const what = whatOf(context, event);
  const response = responseOf(event);
  if (what === undefined) return { actions: [{ type: "note", unexpected: "answered" }] };
  if (response === undefined) return {}; // lost: the connection says so too, and all that is out is put back then
  const asks = context.asks.filter(({ ask }) => ask !== event.ask);
  const { context: changed, actions } = isJob(what)
    ? jobAnswered(context, what, response)
    : sessionAnswered(context, what, response);
  return { context: { asks, ...changed }, actions: actions ?? [] };
};

const sessionAnswered = (context: Context, what: Exclude<Ask["what"], VapJob>, response: VapMessage): Decided => {
  if (isService(what)) return serviceAnswered(context, what.version, response);
  if (what !== "subscribe") return {};
  return { context: { subscription: valueIn(response, "subscriptionId") } };
};

const serviceAnswered = (context: Context, version: number, response: VapMessage): Decided => {
  const { service } = context;
  if (service === undefined || service.version !== version) return {}; // another took its place
  if (isSuccess(response)) {
    const quota = valueIn(response, "quota");
    return {
      context: {
        isPublished: true,
        service: { ...service, ref: 0 },
        lifetimeMs: 1000 * (valueIn(response, "dhtLifetime") ?? 0),
      },
      actions: settle(service.ref, { type: "done", ...(quota === undefined ? {} : { quota }) }),
    };
  }
  const error = errorNumberOf(response);
  // 472: "choose a new instance id"; the old one goes with the session.
  if (error === errorCode.versionNumberTooLow)
    return { context: { instance: BigInt.asUintN(64, context.instance + 1n) } };
  return { context: { service: undefined }, actions: fail(service.ref, `error ${error}`) };
};

const jobAnswered = (context: Context, job: VapJob, response: VapMessage): Decided => {
  if (isSuccess(response)) {
    const { context: changed, actions } = job.type === "number" ? keepNumber(context, job.number) : {};
    return { context: changed ?? {}, actions: [...(actions ?? []), ...settle(job.ref, { type: "done" })] };
  }
  const error = errorNumberOf(response);
  const unregistered = error === errorCode.unregistered;
  const mayRetry = unregistered || error === errorCode.publicationFailed;
  if (!mayRetry || job.attempts + 1 >= JOB_ATTEMPTS_MAX) return { actions: fail(job.ref, `error ${error}`) };
  const again = { ...job, attempts: job.attempts + 1 };
  const isPublished = context.isPublished && !unregistered;
  return again.type === "number"
    ? { context: { isPublished, numbers: [...context.numbers, again] } }
    : { context: { isPublished, vcrs: [...context.vcrs, again] } };
};

/** The server asks: a Notify tells what was learned. */
export const asked = (context: Context, { request, genuine }: Event<"asked">): Decided => {
  if (!genuine) return { actions: [{ type: "note", unexpected: "unsealed request" }] };
  if (request.type.method !== "notify") return { actions: [answer(request, "badRequest")] };
  const id = valueIn(request, "subscriptionId");
  if (id === undefined || id !== context.subscription) return { actions: [answer(request, "unknownSubscription")] };
  const read = readValInfo(valueIn(request, "serviceContent") ?? new Uint8Array());
  if (!read.ok) return { actions: [answer(request, "badRequest")] };
  return { actions: [answer(request), { type: "learned", info: read.value }] };
};
const answer = ({ type, transactionId }: VapMessage, error?: VapError): VapClientAction => ({
  type: "answer",
  transactionId,
  content: {
    method: type.method as VapContent["method"],
    class: error === undefined ? "success" : "error",
    attributes: error === undefined ? [] : [errorAttribute(error)],
  },
});

export const goodbye = (context: Context, { ref }: Event<"unregister">): Decided => {
  const handle: ReadonlyArray<VapAttribute> =
    context.handle === undefined ? [] : [{ type: "clientHandle", value: context.handle }];
  const { context: changed, actions } = asking(context, [["unregister", request("unregister", ...handle)]]);
  return { context: { ...changed, ending: ref }, actions: actions ?? [] };
};
export const isGoodbye = (context: Context, event: Event<"answered">): boolean =>
  whatOf(context, event) === "unregister" && event.outcome.type !== "lost";
