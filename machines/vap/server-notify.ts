/**
 * Subscriptions of a session, and the Notify requests that they bring. draft-jennings-vipr-vap-02 §9.
 * Functions from the context and an event to what changes and what is ordered.
 */
import { equalBytes, type VServiceId } from "../../codecs/shared/mod.ts";
import {
  anyInstance,
  errorCode,
  errorNumberOf,
  service,
  subservice,
  type VapContent,
  valueIn,
} from "../../codecs/vap/mod.ts";
import type { Of } from "../kit/mod.ts";
import { isOurs, refuse, reply, type Send } from "./server-replies.ts";
import type {
  Notification,
  Received,
  ServerDecision,
  VapServerAction,
  VapServerContext,
  VapServerEvent,
} from "./server-types.ts";

/** Of one session. */
const SUBSCRIPTIONS_MAX = 16;
const NOTIFIES_MAX = 1_024;

type Context = VapServerContext;

export const subscribe = (context: Context, event: Received): ServerDecision<"send" | "subscribed"> => {
  const identity = valueIn(event.message, "serviceIdentity");
  if (identity === undefined || !isOurs(identity) || identity.subservice !== subservice.number)
    return { actions: [refuse(event, "badRequest", "no SERVICE-IDENTITY of this service")] };
  const known = context.subscriptions.find(({ vservice }) => vservice === identity.vservice);
  const id = known?.id ?? context.nextSubscription;
  const answered = reply(event, "success", [{ type: "subscriptionId", value: id }]);
  const { vservice } = identity;
  if (known !== undefined) return { actions: [answered, { type: "subscribed", vservice }] };
  if (context.subscriptions.length >= SUBSCRIPTIONS_MAX)
    return { actions: [refuse(event, "badRequest", "too many subscriptions")] };
  return {
    context: {
      subscriptions: [...context.subscriptions, { id, vservice }],
      nextSubscription: id + 1,
    },
    actions: [answered, { type: "subscribed", vservice }],
  };
};

export const unsubscribe = (context: Context, event: Received): ServerDecision<"send"> => {
  const id = valueIn(event.message, "subscriptionId");
  const left = context.subscriptions.filter((subscription) => subscription.id !== id);
  if (left.length === context.subscriptions.length) return { actions: [refuse(event, "unknownSubscription")] };
  return { context: { subscriptions: left }, actions: [reply(event, "success")] };
};

/** Its id: a session has at most one subscription to a VService. */
export const subscriptionOf = ({ subscriptions }: Context, vservice: VServiceId): number | undefined =>
  subscriptions.find((subscription) => subscription.vservice === vservice)?.id;

/** A Notify, if there is a connection and a subscription for it. The draft's Notify says 100, its Subscribe 101. */
export const notify = (context: Context, { vservice, content, transactionId }: Notification): ReadonlyArray<Send> => {
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

/** A number was validated: a Notify is sent now, or when the client comes back. */
export const learn = (
  context: Context,
  { ref, vservice, content, transactionId }: Of<VapServerEvent, "learned">,
): ServerDecision<"send" | "told"> => {
  const notification: Notification = { vservice, content, transactionId };
  if (subscriptionOf(context, vservice) === undefined) return { actions: [{ type: "told", ref, count: 0 }] };
  const told: Of<VapServerAction, "told"> = { type: "told", ref, count: 1 };
  if (context.connection === undefined)
    return { context: { waiting: [...context.waiting, notification].slice(-NOTIFIES_MAX) }, actions: [told] };
  return {
    context: { notified: [...context.notified, notification].slice(-NOTIFIES_MAX) },
    actions: [...notify(context, notification), told],
  };
};

/** The client's answer to a Notify: it has what was told; 476 ends the subscription. */
export const heard = (context: Context, { message }: Received): ServerDecision<"note" | "taken"> => {
  if (message.type.method === "publishRevoke") return {}; // whatever the client says, its VService is revoked
  const asked = context.notified.find(({ transactionId }) => equalBytes(transactionId, message.transactionId));
  if (asked === undefined) return { actions: [{ type: "note", unexpected: "response" }] };
  const notified = context.notified.filter((other) => other !== asked);
  const { vservice, content } = asked;
  if (errorNumberOf(message) !== errorCode.unknownSubscription)
    return { context: { notified }, actions: [{ type: "taken", vservice, content }] };
  return {
    context: { notified, subscriptions: context.subscriptions.filter((other) => other.vservice !== vservice) },
  };
};

/** The connection is lost: each Notify without an answer waits to be sent again. */
export const detached = ({ notified, waiting }: Context) => ({
  connection: undefined,
  notified: [],
  waiting: [...notified, ...waiting].slice(-NOTIFIES_MAX),
});
