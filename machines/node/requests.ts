/**
 * Requests of our own: signed once, sent again as the machine of transaction.ts orders, answered by a node that may answer.
 * RFC 6940 §6.2.1.
 *
 *   beginRequest --> signed --> sent --+-- timerFired --> sent again, now with our certificate
 *                                      +-- answered, or the last timer --> ended
 */
import {
  type Body,
  type Destination,
  type NodeId,
  type Packet,
  packetBytes,
  type Request,
} from "../../codecs/reload/mod.ts";
import { isBelieved, type ReloadOutcome, type ReloadTransactionEvent, reloadTransaction } from "../reload/mod.ts";
import { draw } from "./chance.ts";
import { type Core, startOf, stepped } from "./core.ts";
import { newestLink } from "./link-table.ts";
import { dispatch } from "./outgoing.ts";
import { sign } from "./signing.ts";
import { verifyValues } from "./verifying.ts";
import type { Asker, OwnRequest, VerifiedMessage } from "./work.ts";

/** Requests that wait at once; one more fails at once. */
export const REQUESTS_MAX = 1_024;

export interface RequestTo {
  readonly destinations: ReadonlyArray<Destination>;
  readonly body: Request;
  readonly over?: NodeId | undefined;
  readonly certificates?: ReadonlyArray<Uint8Array> | undefined;
  /** The request carries our certificate, and its answer must carry all that it needs: none is fetched for either. */
  readonly isSelfContained?: boolean;
}

/** Where the request of that transaction was sent, unless its answer is to be self-contained. */
export const targetOf = (core: Core, transactionId: bigint): Destination | undefined => {
  const request = core.requests.get(transactionId);
  return request === undefined || request.isSelfContained ? undefined : request.unsigned.destinations.at(-1);
};

/** Whether the receiver has seen our certificate, so that it may be left out. */
export const isBare = (core: Core, destinations: ReadonlyArray<Destination>): boolean => {
  const [first, ...others] = destinations;
  if (core.settings.limits.carry === "always" || first === undefined || others.length > 0) return false;
  return "type" in first && first.type === "node" && newestLink(core.table, first.data) !== undefined;
};
/** ... or can fetch it, which a node that answers a request of ours can. */
const isBareRequest = (core: Core, destinations: ReadonlyArray<Destination>): boolean =>
  isBare(core, destinations) ||
  (core.settings.limits.carry === "answers" && core.isPublished && core.settings.certificates.length === 1);

export const beginRequest = (core: Core, asker: Asker, to: RequestTo): void => {
  if (core.requests.size >= REQUESTS_MAX) {
    end(core, asker, { type: "lost", why: "too many requests" });
    return;
  }
  const { destinations, body, over, certificates = [], isSelfContained = false } = to;
  const transactionId = draw(core.chance);
  const bare = !isSelfContained && isBareRequest(core, destinations);
  const unsigned = { transactionId, destinations, body, certificates };
  const nothingYet = { packet: undefined, isSent: false, carriesCertificate: !bare, snapshot: undefined };
  const request: OwnRequest = { asker, unsigned, over, bare, isSelfContained, ...nothingYet };
  if (!sign(core, { ...unsigned, bare }, { type: "request", transactionId })) {
    end(core, asker, { type: "lost", why: "too many signatures" });
    return;
  }
  core.requests.set(transactionId, request);
  if ("ref" in asker) core.owned.set(asker.ref, transactionId);
};

/** The request is signed: for the first time, or with the certificate that it first left out. */
export const requestSigned = (core: Core, transactionId: bigint, packet: Packet): void => {
  const request = core.requests.get(transactionId);
  if (request === undefined) return; // abandoned, or answered meanwhile
  request.packet = packet;
  if (request.snapshot !== undefined) {
    request.carriesCertificate = true;
    dispatch(core, packet, request.over);
    return;
  }
  const { maxMessageSize, reliabilityTimerMs } = core.overlay;
  if (packetBytes(packet) > maxMessageSize) {
    finish(core, transactionId, request, { type: "lost", why: `a message over ${maxMessageSize} bytes` }, undefined);
    return;
  }
  const input = { retransmitMs: reliabilityTimerMs };
  const begun = saw(core, transactionId, startOf(input), reloadTransaction.start(input));
  perform(core, transactionId, request, begun, undefined);
};

/** False when no request waits for that answer, or its signer may not answer it. */
export const requestAnswered = (core: Core, transactionId: bigint, message: VerifiedMessage, body: Body): boolean => {
  const request = core.requests.get(transactionId);
  if (request?.snapshot === undefined || body.type.endsWith("Req")) return false;
  const { nodeId: signer } = message.signer;
  const error = body.type === "error" ? body.value : undefined;
  if (!isBelieved(core.view, request.unsigned.destinations.at(-1)!, signer, error)) return false;
  tell(core, transactionId, { type: "answered", signer, body: body as never }, message);
  return true;
};

export const requestTimer = (core: Core, transactionId: bigint): void =>
  tell(core, transactionId, { type: "timerFired", timer: "retransmit" }, undefined);

/** The owner waits no more for that request. */
export const abandon = (core: Core, ref: number): void => {
  const transactionId = core.owned.get(ref);
  if (transactionId === undefined) return;
  if (core.requests.get(transactionId)?.snapshot !== undefined)
    core.orders.push({ type: "stopTimer", timer: timerOf(transactionId) });
  core.requests.delete(transactionId);
  core.owned.delete(ref);
};

export const TIMER = "request";
const timerOf = (transactionId: bigint): string => `${TIMER} ${transactionId}`;

const tell = (
  core: Core,
  transactionId: bigint,
  event: ReloadTransactionEvent,
  message: VerifiedMessage | undefined,
): void => {
  const request = core.requests.get(transactionId);
  if (request?.snapshot === undefined) return;
  const step = saw(core, transactionId, event, reloadTransaction.step(request.snapshot, event));
  perform(core, transactionId, request, step, message);
};

type Step = ReturnType<typeof reloadTransaction.start>;
const saw = (core: Core, transactionId: bigint, event: { readonly type: string }, step: Step): Step =>
  stepped(core, reloadTransaction.id, timerOf(transactionId), event, step);

const perform = (
  core: Core,
  transactionId: bigint,
  request: OwnRequest,
  { snapshot, actions }: Step,
  message: VerifiedMessage | undefined,
): void => {
  request.snapshot = snapshot;
  const timer = timerOf(transactionId);
  for (const action of actions)
    switch (action.type) {
      case "send":
        send(core, transactionId, request);
        break;
      case "startTimer":
        core.orders.push({ type: "startTimer", timer, ms: action.ms });
        break;
      case "stopTimer":
        core.orders.push({ type: "stopTimer", timer });
        break;
      case "report":
        finish(core, transactionId, request, action.outcome, message);
    }
};

/** The second time with our certificate: a silent receiver may have lacked it, and not have found it. */
const send = (core: Core, transactionId: bigint, request: OwnRequest): void => {
  if (request.isSent && !request.carriesCertificate) {
    sign(core, request.unsigned, { type: "again", transactionId });
    return;
  }
  request.isSent = true;
  dispatch(core, request.packet!, request.over);
};

const finish = (
  core: Core,
  transactionId: bigint,
  { asker, unsigned }: OwnRequest,
  outcome: ReloadOutcome,
  message: VerifiedMessage | undefined,
): void => {
  core.requests.delete(transactionId);
  const answer = outcome.type === "answer" && outcome.body.type === "fetchAns" ? outcome.body.value : undefined;
  const { body } = unsigned;
  if (
    "name" in asker ||
    !asker.verifiesValues ||
    answer === undefined ||
    message === undefined ||
    body.type !== "fetchReq"
  ) {
    end(core, asker, outcome);
    return;
  }
  core.owned.delete(asker.ref);
  verifyValues(core, message.bucket, body.value.resource, answer.kinds, { type: "end", ref: asker.ref, outcome });
};

const end = (core: Core, asker: Asker, outcome: ReloadOutcome): void => {
  if ("name" in asker) return void core.work.push({ type: "fetched", name: asker.name, outcome });
  core.owned.delete(asker.ref);
  core.orders.push({ type: "ended", ref: asker.ref, outcome, signers: [] });
};
