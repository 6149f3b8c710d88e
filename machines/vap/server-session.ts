/**
 * How a connection becomes a session, and how a session ends. draft-jennings-vipr-vap-02 §9.3 and §9.4.
 * Functions from the context and an event to what changes and what is ordered.
 */
import { protocolVersion, type VapError, valueIn } from "../../codecs/vap/mod.ts";
import type { Of } from "../kit/mod.ts";
import { allInstances } from "./instances.ts";
import { type Answering, answer, registered, withdrawals } from "./server-answers.ts";
import { heard } from "./server-notify.ts";
import { refuse, reply } from "./server-replies.ts";
import type { Received, ServerDecision, VapServerAction, VapServerContext, VapServerEvent } from "./server-types.ts";

/** 436 for an unknown user, 431 for a wrong MESSAGE-INTEGRITY: tested before anything else. */
const distrust = (event: Received): Of<VapServerAction, "send"> =>
  refuse(event, event.verdict.type === "unknownUser" ? "unknownUsername" : "integrityCheckFailure");

/** What is wrong with a Register that begins a session; undefined: nothing. */
const registrationFault = ({ message }: Received): VapError | undefined => {
  const version = valueIn(message, "protocolVersion");
  if (valueIn(message, "clientHandle") !== undefined) return "badClientHandle"; // its session has ended
  if (version === undefined || (valueIn(message, "clientName") ?? "") === "") return "badRequest";
  return version.major > protocolVersion.major ? "unsupportedProtocolVersion" : undefined;
};

const isRequest = ({ message }: Received, method: "register" | "unregister"): boolean =>
  message.type.class === "request" && message.type.method === method;

export const isRegistration = (_: VapServerContext, event: Received): boolean =>
  event.verdict.type === "genuine" && isRequest(event, "register") && registrationFault(event) === undefined;

export const isUnregister = ({ connection, handle }: VapServerContext, event: Received): boolean =>
  event.verdict.type === "genuine" &&
  isRequest(event, "unregister") &&
  event.connection === connection &&
  (valueIn(event.message, "clientHandle") ?? handle) === handle;

export const register = (context: VapServerContext, event: Received): ServerDecision<"send" | "opened"> => {
  const { verdict, message, atMs } = event;
  const username = verdict.type === "genuine" ? verdict.username : "";
  return {
    context: { username, heardAtMs: atMs },
    actions: [registered(context, event), { type: "opened", username, name: valueIn(message, "clientName") ?? "" }],
  };
};

/** A message before Register. */
export const beforeRegister = (context: VapServerContext, event: Received): ServerDecision<"send" | "note"> => {
  if (event.message.type.class !== "request") return { actions: [{ type: "note", unexpected: "response" }] };
  if (event.verdict.type !== "genuine")
    return { context: { distrusted: context.distrusted + 1 }, actions: [distrust(event)] };
  const fault = isRequest(event, "register") ? registrationFault(event) : "unregistered";
  return { actions: [refuse(event, fault ?? "badRequest")] };
};

/** A message within a session, perhaps on a new connection that resumes it. */
export const receive = (context: VapServerContext, event: Received): ServerDecision<Answering | "taken" | "note"> => {
  const { message, verdict, connection, atMs } = event;
  const isResponse = message.type.class !== "request";
  if (verdict.type !== "genuine")
    return { actions: [isResponse ? { type: "note", unexpected: "response without integrity" } : distrust(event)] };
  if (isResponse) return heard(context, event);
  const elsewhere = connection !== context.connection;
  if (verdict.username !== context.username || (elsewhere && !isRequest(event, "register")))
    return { actions: [refuse(event, "badClientHandle")] };
  const { context: changed, actions } = answer(context, event);
  return { context: { ...changed, heardAtMs: atMs }, actions: actions ?? [] };
};

/** The client was heard since the timer started: it starts again for the rest of Keepalive. */
export const expire = (
  { heardAtMs, keepaliveMs }: VapServerContext,
  { atMs }: Of<VapServerEvent, "timerFired">,
): Omit<Of<VapServerAction, "startTimer">, "type"> => ({
  timer: "keepalive",
  ms: Math.max(1, heardAtMs + keepaliveMs - atMs),
});

/** "The server destroys the client, its subscriptions and its instances"; call records stay. */
export const unregister = (
  context: VapServerContext,
  event: Received,
): ServerDecision<"send" | "withdrawVService"> => ({
  context: { instances: [], subscriptions: [], waiting: [], pending: [] },
  actions: [reply(event, "success"), ...withdrawals(allInstances(context))],
});

/** The end: the connection is closed, and what is still published is withdrawn. */
export const leave =
  (why: string) =>
  (context: VapServerContext): ServerDecision<"close" | "withdrawVService"> => {
    const { connection } = context;
    return {
      context: { connection: undefined, instances: [], pending: [] },
      actions: [
        ...(connection === undefined ? [] : [{ type: "close" as const, connection, why }]),
        ...withdrawals(allInstances(context)),
      ],
    };
  };
