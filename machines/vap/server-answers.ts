/**
 * What a ViPR server answers to a client's requests, in the draft's order of tests. draft-jennings-vipr-vap-02 §9.
 * Functions from a session and a request to what changes and what is ordered.
 */
import { equalBytes, isE164, normalizeE164, type Vcr } from "../../codecs/shared/mod.ts";
import {
  anyInstance,
  errorAttribute,
  errorCode,
  errorNumberOf,
  ourVersion,
  readVService,
  type ServiceIdentity,
  service,
  serviceIds,
  subservice,
  type VapContent,
  type VapError,
  type VapMessage,
  type VapMethod,
  valueIn,
} from "../../codecs/vap/mod.ts";
import type { Decision } from "../kit/mod.ts";
import { allInstances, publishes, sameInstance, withInstance, withoutInstance } from "./instances.ts";
import type { Instance, News, VapServerAction, VapServerContext, VapServerEvent } from "./server.ts";

/** Of one session. */
const INSTANCES_MAX = 16;
const SUBSCRIPTIONS_MAX = 16;
const PENDING_MAX = 64;
const NOTIFIES_MAX = 256;

export type Received = Extract<VapServerEvent, { readonly type: "received" }>;
type Decided = Decision<VapServerContext, VapServerAction>;

/** The answer to one request, sealed with its sender's key; an error without a sender cannot be sealed. */
export const reply = (
  { connection, message, verdict }: Received,
  kind: "success" | "error",
  attributes: VapContent["attributes"] = [],
): VapServerAction => ({
  type: "send",
  connection,
  transactionId: message.transactionId,
  content: { method: message.type.method as VapMethod, class: kind, attributes },
  username: verdict.type === "genuine" ? verdict.username : undefined,
});
export const refuse = (event: Received, error: VapError, reason?: string): VapServerAction =>
  reply(event, "error", [
    errorAttribute(error, reason),
    ...(error === "unsupportedProtocolVersion" ? [ourVersion] : []),
  ]);

/** A genuine request within a registered session. */
export const answer = (context: VapServerContext, event: Received): Decided => {
  const { method } = event.message.type;
  switch (method) {
    case "register":
      return again(context, event);
    case "publish":
      return publish(context, event);
    case "unpublish":
      return unpublish(context, event);
    case "subscribe":
      return subscribe(context, event);
    case "unsubscribe":
      return unsubscribe(context, event);
    case "uploadVcr":
      return upload(context, event);
    default:
      return { actions: [refuse(event, "badRequest", "unknown method")] };
  }
};

export const registered = ({ handle, keepaliveMs }: VapServerContext, event: Received): VapServerAction =>
  reply(event, "success", [
    { type: "clientHandle", value: handle },
    { type: "keepalive", value: keepaliveMs },
  ]);

/** Keepalive, or a client that comes back on another connection: the old one is closed. */
const again = (context: VapServerContext, event: Received): Decided => {
  const handle = valueIn(event.message, "clientHandle");
  if (handle === undefined) return { actions: [refuse(event, "alreadyRegistered")] };
  if (handle !== context.handle) return { actions: [refuse(event, "badClientHandle")] };
  const old = context.connection;
  if (old === event.connection) return { actions: [registered(context, event)] };
  const resumed = { ...context, ...detached(context), connection: event.connection };
  const notified = resumed.waiting.filter((news) => subscriptionOf(context, news.vservice) !== undefined);
  return {
    context: { connection: event.connection, waiting: [], notified },
    actions: [
      ...(old === undefined ? [] : [{ type: "close" as const, connection: old, why: "resumed on another connection" }]),
      registered(context, event),
      ...notified.flatMap((news) => notify(resumed, news)),
    ],
  };
};
/** A session without its connection: what was sent and not answered is to be sent again. */
export const detached = ({ notified, waiting }: VapServerContext) => ({
  connection: undefined,
  notified: [],
  waiting: [...notified, ...waiting].slice(-NOTIFIES_MAX),
});

const isOurs = ({ service }: ServiceIdentity): boolean => serviceIds.includes(service);

const publish = (context: VapServerContext, event: Received): Decided => {
  const identity = valueIn(event.message, "serviceIdentity");
  if (identity === undefined || !isOurs(identity)) return { actions: [refuse(event, "badRequest")] };
  if (identity.subservice === subservice.vservice) return publishService(context, event, identity);
  if (identity.subservice === subservice.number) return publishNumber(context, event, identity);
  return { actions: [refuse(event, "badRequest")] };
};

const publishService = (context: VapServerContext, event: Received, identity: ServiceIdentity): Decided => {
  const [version, content] = [valueIn(event.message, "serviceVersion"), valueIn(event.message, "serviceContent")];
  if (version === undefined || content === undefined) return { actions: [refuse(event, "badRequest")] };
  const all = allInstances(context);
  const known = all.find((instance) => sameInstance(instance.identity, identity));
  if (known !== undefined && version < known.version) return { actions: [refuse(event, "versionNumberTooLow")] };
  const others = all.filter((instance) => instance !== known);
  if (others.length >= INSTANCES_MAX) return { actions: [refuse(event, "badRequest", "too many instances")] };
  const read = readVService(content);
  if (!read.ok) return { actions: [refuse(event, "badRequest", `${read.error.at}: ${read.error.why}`)] };
  const order = { type: "publishVService", identity, version, service: read.value } as const;
  return later(context, event, (ref) => ({ ...order, ref }), { identity, version });
};

const publishNumber = (context: VapServerContext, event: Received, { vservice }: ServiceIdentity): Decided => {
  if (!publishes(context, vservice)) return { actions: [refuse(event, "unregistered", "unknown VService")] };
  const number = valueIn(event.message, "calledNumber");
  if (number === undefined || !isE164(number)) return { actions: [refuse(event, "badRequest", "no E.164 number")] };
  return later(context, event, (ref) => ({ type: "publishNumber", ref, vservice, number }));
};

/** Asks for what takes time, and remembers whom to answer. */
const later = (
  context: VapServerContext,
  event: Received,
  order: (ref: number) => VapServerAction,
  coming?: Instance,
): Decided => {
  if (context.pending.length >= PENDING_MAX)
    return { actions: [refuse(event, "publicationFailed", "too many requests at once")] };
  const ref = context.nextRef;
  const asked = coming === undefined ? { ref, event } : { ref, event, coming };
  return {
    context: { nextRef: ref + 1, pending: [...context.pending, asked] },
    actions: [order(ref)],
  };
};

/** What was asked for has come: the client is answered on the connection on which it asked, if it is still there. */
export const settle = (
  context: VapServerContext,
  { ref, outcome }: Extract<VapServerEvent, { readonly type: "settled" }>,
): Decided => {
  const found = context.pending.find((pending) => pending.ref === ref);
  if (found === undefined) return { actions: [{ type: "note", unexpected: "settled" }] };
  const pending = context.pending.filter((other) => other !== found);
  const { coming } = found;
  const isPublished = coming !== undefined && outcome.type === "done";
  const changed = isPublished ? { pending, instances: withInstance(context.instances, coming) } : { pending };
  if (found.event.connection !== context.connection) return { context: changed };
  const { quota } = outcome.type === "done" ? outcome : { quota: undefined };
  const attributes: VapContent["attributes"] =
    quota === undefined
      ? []
      : [
          { type: "quota", value: { limit: quota.limit, current: quota.current } },
          { type: "dhtLifetime", value: quota.lifetimeS },
        ];
  const answered =
    outcome.type === "done"
      ? reply(found.event, "success", attributes)
      : refuse(found.event, "publicationFailed", outcome.why);
  return { context: changed, actions: [answered] };
};

const unpublish = (context: VapServerContext, event: Received): Decided => {
  const identity = valueIn(event.message, "serviceIdentity");
  if (identity === undefined || !isOurs(identity) || identity.subservice !== subservice.vservice)
    return { actions: [refuse(event, "badRequest")] };
  const gone = allInstances(context).filter((instance) => sameInstance(instance.identity, identity));
  return {
    context: withoutInstance(context, identity),
    actions: [reply(event, "success"), ...withdrawals(gone)],
  };
};
export const withdrawals = (instances: ReadonlyArray<Instance>): ReadonlyArray<VapServerAction> =>
  instances.map(({ identity }) => ({ type: "withdrawVService", identity }));

const subscribe = (context: VapServerContext, event: Received): Decided => {
  const identity = valueIn(event.message, "serviceIdentity");
  if (identity === undefined || !isOurs(identity) || identity.subservice !== subservice.number)
    return { actions: [refuse(event, "badRequest")] };
  const known = context.subscriptions.find(({ vservice }) => vservice === identity.vservice);
  const id = known?.id ?? context.nextSubscription;
  const answered = reply(event, "success", [{ type: "subscriptionId", value: id }]);
  if (known !== undefined) return { actions: [answered] };
  if (context.subscriptions.length >= SUBSCRIPTIONS_MAX)
    return { actions: [refuse(event, "badRequest", "too many subscriptions")] };
  return {
    context: {
      subscriptions: [...context.subscriptions, { id, vservice: identity.vservice }],
      nextSubscription: id + 1,
    },
    actions: [answered],
  };
};

const unsubscribe = (context: VapServerContext, event: Received): Decided => {
  const id = valueIn(event.message, "subscriptionId");
  const left = context.subscriptions.filter((subscription) => subscription.id !== id);
  if (left.length === context.subscriptions.length) return { actions: [refuse(event, "unknownSubscription")] };
  return { context: { subscriptions: left }, actions: [reply(event, "success")] };
};

const upload = (context: VapServerContext, event: Received): Decided => {
  const vcr = vcrOf(event.message);
  if (vcr === undefined) return { actions: [refuse(event, "badRequest", "not a call record")] };
  if (!publishes(context, vcr.vservice)) return { actions: [refuse(event, "unregistered", "unknown VService")] };
  return later(context, event, (ref) => ({ type: "upload", ref, vcr }));
};

/** A caller's number may be missing or nonsense; the rest of a record may not. */
const vcrOf = (message: VapMessage): Vcr | undefined => {
  const identity = valueIn(message, "serviceIdentity");
  const [start, stop] = [valueIn(message, "startTime"), valueIn(message, "stopTime")];
  const [direction, called] = [valueIn(message, "callDirection"), valueIn(message, "calledNumber")];
  if (identity === undefined || !isOurs(identity) || identity.subservice !== subservice.number) return undefined;
  if (start === undefined || stop === undefined || stop < start) return undefined;
  if (direction === undefined || called === undefined || !isE164(called)) return undefined;
  const calling = normalizeE164(valueIn(message, "callingNumber") ?? "");
  return { direction, calling, called, start, stop, vservice: identity.vservice };
};

/** A session has at most one subscription to a VService. */
const subscriptionOf = ({ subscriptions }: VapServerContext, vservice: bigint): number | undefined =>
  subscriptions.find((subscription) => subscription.vservice === vservice)?.id;

/** A Notify, if there is a connection and a subscription for it. The draft's Notify says 100, its Subscribe 101. */
const notify = (
  context: VapServerContext,
  { vservice, content, transactionId }: News,
): ReadonlyArray<VapServerAction> => {
  const { connection, username } = context;
  const id = subscriptionOf(context, vservice);
  if (connection === undefined || id === undefined) return [];
  const identity = { service: service.notify, subservice: subservice.number, vservice, instance: anyInstance };
  const attributes: VapContent["attributes"] = [
    { type: "subscriptionId", value: id },
    { type: "serviceIdentity", value: identity },
    { type: "serviceContent", value: content },
  ];
  return [
    { type: "send", connection, transactionId, username, content: { method: "notify", class: "request", attributes } },
  ];
};

/** Something was learned: told now, or when the client comes back. */
export const learn = (
  context: VapServerContext,
  { ref, vservice, content, transactionId }: Extract<VapServerEvent, { readonly type: "learned" }>,
): Decided => {
  const news: News = { vservice, content, transactionId };
  if (subscriptionOf(context, vservice) === undefined) return { actions: [{ type: "told", ref, count: 0 }] };
  const told: VapServerAction = { type: "told", ref, count: 1 };
  if (context.connection === undefined)
    return { context: { waiting: [...context.waiting, news].slice(-NOTIFIES_MAX) }, actions: [told] };
  return {
    context: { notified: [...context.notified, news].slice(-NOTIFIES_MAX) },
    actions: [...notify(context, news), told],
  };
};

/** The client's answer to a Notify: 476 ends the subscription. */
export const heard = (context: VapServerContext, { message }: Received): Decided => {
  const asked = context.notified.find(({ transactionId }) => equalBytes(transactionId, message.transactionId));
  if (asked === undefined) return { actions: [{ type: "note", unexpected: "response" }] };
  const notified = context.notified.filter((other) => other !== asked);
  if (errorNumberOf(message) !== errorCode.unknownSubscription) return { context: { notified } };
  return {
    context: { notified, subscriptions: context.subscriptions.filter(({ vservice }) => vservice !== asked.vservice) },
  };
};
