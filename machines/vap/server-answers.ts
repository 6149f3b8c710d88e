/**
 * What a ViPR server answers to a client's requests, tested in the draft's order. draft-jennings-vipr-vap-02 §9.
 * Functions from the context and a request to what changes and what is ordered.
 */
import { isE164, msFromNtp, type Vcr } from "../../codecs/shared/mod.ts";
import {
  readVService,
  type ServiceIdentity,
  subservice,
  type VapContent,
  type VapMessage,
  valueIn,
} from "../../codecs/vap/mod.ts";
import type { Of } from "../kit/mod.ts";
import { allInstances, publishes, sameInstance, withInstance, withoutInstance } from "./instances.ts";
import { detached, notify, subscribe, subscriptionOf, unsubscribe } from "./server-notify.ts";
import { isOurs, refuse, reply, type Send } from "./server-replies.ts";
import type {
  Instance,
  Received,
  ServerDecision,
  VapServerAction,
  VapServerContext,
  VapServerEvent,
} from "./server-types.ts";

/** Of one session. */
const INSTANCES_MAX = 16;
const PENDING_MAX = 64;

/** SERVICE-IDENTITY is missing, or names another service or subservice than the request is for. */
const NO_SERVICE = "no SERVICE-IDENTITY of this service";

type Context = VapServerContext;
/** What is ordered for work that takes time: it carries a `ref`, and is settled later. */
type Work = "publishVService" | "publishNumber" | "upload";
/** The orders that a genuine request may lead to. */
export type Answering = "send" | "close" | "withdrawVService" | "subscribed" | Work;

/** A genuine request within a registered session. */
export const answer = (context: Context, event: Received): ServerDecision<Answering> => {
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

export const registered = ({ handle, keepaliveMs }: Context, event: Received): Send =>
  reply(event, "success", [
    { type: "clientHandle", value: handle },
    { type: "keepalive", value: keepaliveMs },
  ]);

/** Register within a session: a keepalive, or the client resumes on another connection, and the old one is closed. */
const again = (context: Context, event: Received): ServerDecision<"send" | "close"> => {
  const handle = valueIn(event.message, "clientHandle");
  if (handle === undefined) return { actions: [refuse(event, "alreadyRegistered")] };
  if (handle !== context.handle) return { actions: [refuse(event, "badClientHandle", "another session's handle")] };
  const old = context.connection;
  if (old === event.connection) return { actions: [registered(context, event)] };
  const resumed = { ...context, ...detached(context), connection: event.connection };
  const notified = resumed.waiting.filter(({ vservice }) => subscriptionOf(context, vservice) !== undefined);
  return {
    context: { connection: event.connection, waiting: [], notified },
    actions: [
      ...(old === undefined ? [] : [{ type: "close" as const, connection: old, reason: "resumedElsewhere" as const }]),
      registered(context, event),
      ...notified.flatMap((notification) => notify(resumed, notification)),
    ],
  };
};
const publish = (context: Context, event: Received): ServerDecision<"send" | Work> => {
  const identity = valueIn(event.message, "serviceIdentity");
  if (identity === undefined || !isOurs(identity)) return { actions: [refuse(event, "badRequest", NO_SERVICE)] };
  if (identity.subservice === subservice.vservice) return publishService(context, event, identity);
  if (identity.subservice === subservice.number) return publishNumber(context, event, identity);
  return { actions: [refuse(event, "badRequest", NO_SERVICE)] };
};

const publishService = (
  context: Context,
  event: Received,
  identity: ServiceIdentity,
): ServerDecision<"send" | Work> => {
  const [version, content] = [valueIn(event.message, "serviceVersion"), valueIn(event.message, "serviceContent")];
  if (version === undefined || content === undefined)
    return { actions: [refuse(event, "badRequest", "no SERVICE-VERSION or no SERVICE-CONTENT")] };
  const all = allInstances(context);
  const known = all.find((instance) => sameInstance(instance.identity, identity));
  if (known !== undefined && version < known.version)
    return { actions: [refuse(event, "versionNumberTooLow", `version ${known.version} is published`)] };
  const others = all.filter((instance) => instance !== known);
  if (others.length >= INSTANCES_MAX) return { actions: [refuse(event, "badRequest", "too many instances")] };
  const read = readVService(content);
  if (!read.ok) return { actions: [refuse(event, "badRequest", `${read.error.at}: ${read.error.why}`)] };
  const order = { type: "publishVService", identity, version, service: read.value } as const;
  return later(context, event, (ref) => ({ ...order, ref }), { identity, version });
};

const publishNumber = (
  context: Context,
  event: Received,
  { vservice }: ServiceIdentity,
): ServerDecision<"send" | Work> => {
  if (!publishes(context, vservice)) return { actions: [refuse(event, "unregistered", "unknown VService")] };
  const number = valueIn(event.message, "calledNumber");
  if (number === undefined || !isE164(number)) return { actions: [refuse(event, "badRequest", "no E.164 number")] };
  return later(context, event, (ref) => ({ type: "publishNumber", ref, vservice, number }));
};

/** Orders work that takes time, and remembers the request that is to be answered when it is settled. */
const later = (
  context: Context,
  event: Received,
  order: (ref: number) => Of<VapServerAction, Work>,
  coming?: Instance,
): ServerDecision<"send" | Work> => {
  if (context.pending.length >= PENDING_MAX)
    return { actions: [refuse(event, "publicationFailed", "too many requests at once")] };
  const ref = context.nextRef;
  const asked = coming === undefined ? { ref, event } : { ref, event, coming };
  return {
    context: { nextRef: ref + 1, pending: [...context.pending, asked] },
    actions: [order(ref)],
  };
};

/** The work is done or has failed: the client is answered on the connection of its request, if that is still open. */
export const settle = (
  context: Context,
  { ref, outcome }: Of<VapServerEvent, "settled">,
): ServerDecision<"send" | "note"> => {
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

const unpublish = (context: Context, event: Received): ServerDecision<"send" | "withdrawVService"> => {
  const identity = valueIn(event.message, "serviceIdentity");
  if (identity === undefined || !isOurs(identity) || identity.subservice !== subservice.vservice)
    return { actions: [refuse(event, "badRequest", NO_SERVICE)] };
  const gone = allInstances(context).filter((instance) => sameInstance(instance.identity, identity));
  return {
    context: withoutInstance(context, identity),
    actions: [reply(event, "success"), ...withdrawals(gone)],
  };
};
export const withdrawals = (
  instances: ReadonlyArray<Instance>,
): ReadonlyArray<Of<VapServerAction, "withdrawVService">> =>
  instances.map(({ identity }) => ({ type: "withdrawVService", identity }));

const upload = (context: Context, event: Received): ServerDecision<"send" | Work> => {
  const vcr = vcrOf(event.message);
  if (typeof vcr === "string") return { actions: [refuse(event, "badRequest", vcr)] };
  if (!publishes(context, vcr.vservice)) return { actions: [refuse(event, "unregistered", "unknown VService")] };
  return later(context, event, (ref) => ({ type: "upload", ref, vcr }));
};

/** A calling number that is missing or no E.164 number is left out; any other fault makes the record invalid, and is said. */
const vcrOf = (message: VapMessage): Vcr | string => {
  const identity = valueIn(message, "serviceIdentity");
  const [start, stop] = [valueIn(message, "startTime"), valueIn(message, "stopTime")];
  const [direction, called] = [valueIn(message, "callDirection"), valueIn(message, "calledNumber")];
  if (identity === undefined || !isOurs(identity) || identity.subservice !== subservice.number) return NO_SERVICE;
  if (start === undefined || stop === undefined) return "no START-TIME or no STOP-TIME";
  if (stop < start) return "the call ends before it begins";
  if (direction === undefined) return "no CALL-DIRECTION";
  if (called === undefined || !isE164(called)) return "the called number is no E.164 number";
  const calling = valueIn(message, "callingNumber");
  return {
    direction,
    calling: calling !== undefined && isE164(calling) ? calling : undefined,
    called,
    startMs: msFromNtp(start),
    stopMs: msFromNtp(stop),
    vservice: identity.vservice,
  };
};
