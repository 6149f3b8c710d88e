/**
 * Requests of our own: signed once, sent again as the machine of transaction.ts orders, answered by a node that may answer.
 * RFC 6940 §6.2.1.
 *
 *   beginRequest --> signed --> sent --+-- timerFired --> sent again, now with our certificate
 *                                      +-- answered, or the last timer --> ended
 * Requirements: RFC 6940 §6.3.2.
 */
import { type Body, type Destination, type Packet, packetBytes } from "../../codecs/reload/mod.ts";
import { isBelieved, type ReloadOutcome, type ReloadTransactionEvent, reloadTransaction } from "../reload/mod.ts";
import { draw } from "./chance.ts";
import { type Core, startOf, stepped } from "./core.ts";
import { newestLink } from "./link-table.ts";
import { noteLookUp, tripOf } from "./look-ups.ts";
import { dispatch } from "./outgoing.ts";
import { sign } from "./signing.ts";
import type { Bucket } from "./trust.ts";
import { verifyValues } from "./verifying.ts";
import type { Asker, Delivery, EndedRequest, OwnRequest, RequestTo, VerifiedMessage } from "./work.ts";

/** Requests that wait at once; one more fails at once. */
export const REQUESTS_MAX = 1_024;

/** Where the request of that transaction was sent, unless its answer is to be self-contained. */
export const targetOf = (core: Core, transactionId: bigint): Destination | undefined => {
  const request = core.requests.get(transactionId);
  return request === undefined || request.to.isSelfContained ? undefined : request.unsigned.destinations.at(-1);
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

/** `attempt`: from 1, where it is repeated. */
export const beginRequest = (core: Core, asker: Asker, to: RequestTo, attempt = 1): void => {
  const lost = (why: string) => end(core, asker, to, attempt, { type: "lost", why }, undefined);
  if (core.requests.size + core.repeats.size >= REQUESTS_MAX) {
    lost("too many requests");
    return;
  }
  const { destinations, body, certificates = [], isSelfContained = false } = to;
  const transactionId = draw(core.chance);
  const bare = !isSelfContained && isBareRequest(core, destinations);
  const unsigned = { transactionId, destinations, body, certificates };
  const nothingYet = {
    ...{ packet: undefined, isSent: false, firstHop: undefined, trip: undefined, snapshot: undefined },
    begunMs: core.nowMs,
    carriesCertificate: !bare,
  };
  if (!sign(core, { ...unsigned, bare }, { type: "request", transactionId })) {
    lost("too many signatures");
    return;
  }
  core.requests.set(transactionId, { asker, to, attempt, unsigned, bare, ...nothingYet });
  if (asker.type === "owner") core.owned.set(asker.ref, transactionId);
};

/** The request is signed: for the first time, or with the certificate that it first left out. */
export const requestSigned = (core: Core, transactionId: bigint, packet: Packet): void => {
  const request = core.requests.get(transactionId);
  if (request === undefined) return; // abandoned, or answered meanwhile
  request.packet = packet;
  if (request.snapshot !== undefined) {
    request.carriesCertificate = true;
    request.firstHop = dispatch(core, packet, request.to.over);
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
export const requestAnswered = (
  core: Core,
  { packet, from }: Delivery,
  message: VerifiedMessage,
  body: Body,
): boolean => {
  const { transactionId } = packet;
  const request = core.requests.get(transactionId);
  if (request?.snapshot === undefined || body.type.endsWith("Req")) return false;
  const { nodeId: signer } = message.signer;
  const error = body.type === "error" ? body.value : undefined;
  if (!isBelieved(core.view, request.unsigned.destinations.at(-1)!, signer, error)) return false;
  request.trip = tripOf(core, packet, from);
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
  request.firstHop = dispatch(core, request.packet!, request.to.over);
};

const finish = (
  core: Core,
  transactionId: bigint,
  request: OwnRequest,
  outcome: ReloadOutcome,
  message: VerifiedMessage | undefined,
): void => {
  const { asker, to, attempt } = request;
  core.requests.delete(transactionId);
  noteLookUp(core, request, outcome);
  end(core, asker, to, attempt, outcome, message);
};

const end = (
  core: Core,
  asker: Asker,
  to: RequestTo,
  attempt: number,
  outcome: ReloadOutcome,
  message: VerifiedMessage | undefined,
): void => {
  if (asker.type === "owner") core.owned.delete(asker.ref);
  core.work.push({ type: "finished", ended: { asker, to, attempt, outcome }, bucket: message?.bucket });
};

/** The request is not repeated: it ends, once the signatures of the values in its answer are verified, where somebody asked for that. */
export const concluded = (core: Core, { asker, to, outcome }: EndedRequest, bucket: Bucket | undefined): void => {
  const answer = outcome.type === "answer" && outcome.body.type === "fetchAns" ? outcome.body.value : undefined;
  const { body } = to;
  const verifiesValues = asker.type === "recall" || (asker.type === "owner" && asker.verifiesValues);
  if (!verifiesValues || answer === undefined || bucket === undefined || body.type !== "fetchReq")
    core.work.push({ type: "ended", asker, outcome, signers: [] });
  else verifyValues(core, bucket, body.value.resource, answer.kinds, { type: "end", asker, outcome });
};
