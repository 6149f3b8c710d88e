/**
 * How a connection becomes a session, and how a session ends. draft-jennings-vipr-vap-02 §9.3 and §9.4.
 * Functions from a session and an event to what changes and what is ordered.
 */
import { protocolVersion, type VapError, valueIn } from "../../codecs/vap/mod.ts";
import type { Decision } from "../kit/mod.ts";
import { allInstances } from "./instances.ts";
import type { VapServerAction, VapServerContext, VapServerEvent } from "./server.ts";
import { answer, heard, type Received, refuse, registered, reply, withdrawals } from "./server-answers.ts";

type Decided = Decision<VapServerContext, VapServerAction>;

/** 436 for a name that nobody has, 431 for a wrong seal: before anything else is looked at. */
const distrust = (event: Received): VapServerAction =>
  refuse(event, event.verdict.type === "unknownUser" ? "unknownUsername" : "integrityCheckFailure");

/** What is wrong with a Register that would make a session of a connection. */
const registrationFault = ({ message }: Received): VapError | undefined => {
  const version = valueIn(message, "protocolVersion");
  if (valueIn(message, "clientHandle") !== undefined) return "badClientHandle"; // a session that is gone
  if (version === undefined || (valueIn(message, "clientName") ?? "") === "") return "badRequest";
  return version.major > protocolVersion.major ? "unsupportedProtocolVersion" : undefined;
};

const isRequest = ({ message }: Received, method: "register" | "unregister"): boolean =>
  message.type.class === "request" && message.type.method === method;

export const isRegistration = (event: Received): boolean =>
  event.verdict.type === "genuine" && isRequest(event, "register") && registrationFault(event) === undefined;

export const isUnregister = ({ connection, handle }: VapServerContext, event: Received): boolean =>
  event.verdict.type === "genuine" &&
  isRequest(event, "unregister") &&
  event.connection === connection &&
  (valueIn(event.message, "clientHandle") ?? handle) === handle;

export const register = (context: VapServerContext, event: Received): Decided => {
  const { verdict, message, atMs } = event;
  const username = verdict.type === "genuine" ? verdict.username : "";
  return {
    context: { username, heardAtMs: atMs },
    actions: [registered(context, event), { type: "opened", username, name: valueIn(message, "clientName") ?? "" }],
  };
};

/** A message on a connection that is no session yet. */
export const beforeRegister = (context: VapServerContext, event: Received): Decided => {
  if (event.message.type.class !== "request") return { actions: [{ type: "note", unexpected: "response" }] };
  if (event.verdict.type !== "genuine")
    return { context: { distrusted: context.distrusted + 1 }, actions: [distrust(event)] };
  const fault = isRequest(event, "register") ? registrationFault(event) : "unregistered";
  return { actions: [refuse(event, fault ?? "badRequest")] };
};

/** A message within a session, perhaps on a connection that wants to take it over. */
export const receive = (context: VapServerContext, event: Received): Decided => {
  const { message, verdict, connection, atMs } = event;
  const isResponse = message.type.class !== "request";
  if (verdict.type !== "genuine")
    return { actions: [isResponse ? { type: "note", unexpected: "unsealed response" } : distrust(event)] };
  if (isResponse) return heard(context, event);
  const elsewhere = connection !== context.connection;
  if (verdict.username !== context.username || (elsewhere && !isRequest(event, "register")))
    return { actions: [refuse(event, "badClientHandle")] };
  const { context: changed, actions } = answer(context, event);
  return { context: { ...changed, heardAtMs: atMs }, actions: actions ?? [] };
};

/** The client was heard since the timer was set: it is set for what is left. */
export const expire = (
  { heardAtMs, keepaliveMs }: VapServerContext,
  { atMs }: Extract<VapServerEvent, { readonly type: "timerFired" }>,
): Decided => ({
  actions: [{ type: "startTimer", timer: "keepalive", ms: Math.max(1, heardAtMs + keepaliveMs - atMs) }],
});

/** "The server destroys the client, its subscriptions and its instances"; call records stay. */
export const unregister = (context: VapServerContext, event: Received): Decided => ({
  context: { instances: [], subscriptions: [], waiting: [], pending: [] },
  actions: [reply(event, "success"), ...withdrawals(allInstances(context))],
});

/** The end: whatever is still open is closed, whatever is still published is withdrawn. */
export const leave =
  (why: string) =>
  (context: VapServerContext): Decided => {
    const { connection } = context;
    return {
      context: { connection: undefined, instances: [], pending: [] },
      actions: [
        ...(connection === undefined ? [] : [{ type: "close" as const, connection, why }]),
        ...withdrawals(allInstances(context)),
      ],
    };
  };
