/**
 * How a connection becomes a session, and how a session ends. draft-jennings-vipr-vap-02 §9.3 and §9.4.
 * Functions from the context and an event to what changes and what is ordered.
 */
import { utf8 } from "../../codecs/shared/mod.ts";
import { protocolVersion, type VapContent, type VapError, valueIn } from "../../codecs/vap/mod.ts";
import type { Of } from "../kit/mod.ts";
import { allInstances } from "./instances.ts";
import { type Answering, answer, registered, withdrawals } from "./server-answers.ts";
import { heard } from "./server-notify.ts";
import { refuse, reply } from "./server-replies.ts";
import type {
  Received,
  ServerDecision,
  VapCloseReason,
  VapServerAction,
  VapServerContext,
  VapServerEvent,
} from "./server-types.ts";

/** 436 for an unknown user, 431 for a wrong MESSAGE-INTEGRITY: tested before anything else. */
const distrust = (event: Received): Of<VapServerAction, "send"> =>
  refuse(event, event.verdict.type === "unknownUser" ? "unknownUsername" : "integrityCheckFailure");

/** What is wrong with a Register that begins a session; undefined: nothing. */
const registrationFault = ({ message, full }: Received): readonly [VapError, reason: string] | undefined => {
  const version = valueIn(message, "protocolVersion");
  if (valueIn(message, "clientHandle") !== undefined)
    return ["badClientHandle", "no session of this user has that handle"];
  if (version === undefined) return ["badRequest", "no PROTOCOL-VERSION"];
  if ((valueIn(message, "clientName") ?? "") === "") return ["badRequest", "no CLIENT-NAME"];
  if (version.major > protocolVersion.major)
    return ["unsupportedProtocolVersion", `version ${protocolVersion.major} is the newest here`];
  if (full === "user") return ["quotaReached", "too many sessions of this user"];
  return full === "server" ? ["insufficientCapacity", "too many sessions"] : undefined;
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
  const [error, reason] =
    (isRequest(event, "register") ? registrationFault(event) : undefined) ??
    (["unregistered", "no Register yet"] as const);
  return { actions: [refuse(event, error, reason)] };
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
    return { actions: [refuse(event, "badClientHandle", "the session is on another connection")] };
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

/**
 * "PublishRevoke: the DHT is gone": the instances are gone with it, whether the client is there to be told or not. One whose
 * connection is away learns it by 474 when it uploads. docs/protocol/vap.md#when-the-overlay-is-lost.
 */
export const revoke = (
  context: VapServerContext,
  { why, transactionIds }: Of<VapServerEvent, "revoked">,
): ServerDecision<"send" | "withdrawVService"> => {
  const { connection, username } = context;
  const instances = allInstances(context);
  const told = context.instances.flatMap(({ identity }, i): ReadonlyArray<Of<VapServerAction, "send">> => {
    const transactionId = transactionIds[i];
    if (connection === undefined || transactionId === undefined) return [];
    const attributes: VapContent["attributes"] = [
      { type: "serviceIdentity", value: identity },
      { type: "serviceContent", value: utf8(why) },
    ];
    const content = { method: "publishRevoke", class: "request", attributes } as const;
    return [{ type: "send", connection, transactionId, username, content }];
  });
  const isComing = ({ coming }: VapServerContext["pending"][number]) => coming !== undefined;
  const refused = context.pending.flatMap((asked) =>
    isComing(asked) && asked.event.connection === connection ? [refuse(asked.event, "publicationFailed", why)] : [],
  );
  return {
    context: { instances: [], pending: context.pending.filter((asked) => !isComing(asked)) },
    actions: [...refused, ...told, ...withdrawals(instances)],
  };
};

/** The end: the connection is closed, and what is still published is withdrawn. */
export const leave =
  (reason: VapCloseReason) =>
  (context: VapServerContext): ServerDecision<"close" | "withdrawVService"> => {
    const { connection } = context;
    return {
      context: { connection: undefined, instances: [], pending: [] },
      actions: [
        ...(connection === undefined ? [] : [{ type: "close" as const, connection, reason }]),
        ...withdrawals(allInstances(context)),
      ],
    };
  };
