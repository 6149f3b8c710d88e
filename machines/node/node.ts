/**
 * A node of the overlay without a world: events in, orders out, as quinn's `Endpoint` is for QUIC. RFC 6940 §6.
 *
 *   received, connected, lost --------> links --> arriving --> verifying --> peer, storage, requests
 *   signed, signatureVerified, ... ---> the job of that token                        |
 *   timerFired -----------------------> link, request, peer, storage                 |
 *   requested, join, leave, stored ---> requests, peer, storage <--------------------+
 *                                           \--> write, dial, close, sign, verify, store, startTimer, ended, state
 *
 * It reads no clock, draws from its seed, calls nobody back and waits for nothing: what takes time is ordered, under a token,
 * and its answer is an event with that token. One event is wholly performed before the next is taken: `handle` returns when no
 * part has work left, and a host performs the orders before it gives the next event. DECISIONS.md D-267.
 * Requirements: ViPR overview §5.1.
 */
import { answer, answerSigned, arrive, deliverOwn, oversized, valuesVerified, verified } from "./arriving.ts";
import { fetched } from "./certificates.ts";
import { changed } from "./changes.ts";
import { type Core, drop, openCore } from "./core.ts";
import { goOn, TIMER as LINK_TIMER, type LinkTimer, linkTimer, lost, received } from "./link-frames.ts";
import type { Link } from "./link-table.ts";
import { accepted, buffered, certified, connected, greetingSigned, identified, shown } from "./links.ts";
import { OURSELVES } from "./outgoing.ts";
import { TIMER as PEER_TIMER, peerAnswered, peerServes, peerTimer, tellPeer } from "./peer.ts";
import { abandon, beginRequest, concluded, TIMER as REQUEST_TIMER, requestSigned, requestTimer } from "./requests.ts";
import { forget, kindsAnswered, TIMER as REPEAT_TIMER, repeat, repeatLater } from "./sequence.ts";
import { signed } from "./signing.ts";
import {
  isStorageRequest,
  TIMER as STORAGE_TIMER,
  startStorage,
  storageAnswered,
  storageServes,
  storageTimer,
  stored,
  tellStorage,
  writeChanges,
} from "./storage.ts";
import type { NodeEvent, NodeOrder, NodeSettings } from "./types.ts";
import { chainVerified, nextValue, signatureVerified } from "./verifying.ts";
import type { Job, Work } from "./work.ts";

/** A node before its first event; it orders nothing until `handle` is called. */
export const openNode = (settings: NodeSettings): Core => openCore(settings);

/** Handles one event at that time, in Unix milliseconds; the orders are to be performed in their order. */
export const handle = (core: Core, event: NodeEvent, nowMs: number): ReadonlyArray<NodeOrder> => {
  const orders: Array<NodeOrder> = [];
  core.orders = orders;
  core.nowMs = nowMs;
  const { storage } = core.settings;
  if (core.storage === undefined && storage !== undefined) startStorage(core, storage.settings, storage.isDurable);
  take(core, event);
  do {
    for (let work = core.work.shift(); work !== undefined; work = core.work.shift()) perform(core, work);
    writeChanges(core);
  } while (core.work.length > 0);
  return orders;
};

const take = (core: Core, event: NodeEvent): void => {
  switch (event.type) {
    case "accepted":
      accepted(core, event.link, event.stream);
      return;
    case "connected":
      withLink(core, event.link, (link) => connected(core, link, event.stream));
      return;
    case "unreachable":
    case "lost":
      withLink(core, event.link, (link) => lost(core, link, event.why));
      return;
    case "received":
      withLink(core, event.link, (link) => received(core, link, event.bytes));
      return;
    case "unwritten":
      drop(core, "a full link");
      return;
    case "timerFired":
      timerFired(core, event.timer);
      return;
    case "requested": {
      const { ref, verifiesValues = false, ...to } = event.request;
      beginRequest(core, { type: "owner", ref, verifiesValues }, to);
      return;
    }
    case "abandoned":
      abandon(core, event.ref);
      forget(core, event.ref);
      return;
    case "answered":
      answer(core, event.reply, event.body, event.certificates);
      return;
    case "restored":
    case "stored":
    case "join":
    case "placed":
    case "leave":
    case "published":
    case "capture":
    case "configured":
      changed(core, event);
      return;
    default:
      portAnswered(core, event);
  }
};

type PortAnswer = Extract<NodeEvent, { readonly token: number }>;
/** An answer to an order goes on with its job; one whose job is of another kind, or done, says nothing. */
const portAnswered = (core: Core, event: PortAnswer): void => {
  const job = core.jobs.get(event.token);
  if (job === undefined || !isAnswerTo(job, event)) return;
  core.jobs.delete(event.token);
  if (event.type === "signed") {
    signed(core, job as Job & { readonly type: "sign" }, event.value);
    return;
  }
  if (job.type === "names") {
    const { stream } = job;
    const facts = event.type === "chainVerified" ? event.facts : undefined;
    withLink(core, job.link, (link) => (link.stream === stream ? certified(core, link, stream, facts) : undefined));
    return;
  }
  if (job.type === "sign") return;
  if (event.type === "signatureVerified") signatureVerified(core, job, event.holds);
  else chainVerified(core, job, event.facts);
};
const isAnswerTo = (job: Job, { type }: PortAnswer): boolean => {
  switch (job.type) {
    case "sign":
      return type === "signed";
    case "names":
      return type === "chainVerified";
    default:
      return type === (job.check?.signer === undefined ? "chainVerified" : "signatureVerified");
  }
};

/** A timer that this node has not started says nothing. */
const timerFired = (core: Core, timer: string): void => {
  const [of, id = "", name] = timer.split(" ");
  if (of === PEER_TIMER) peerTimer(core, id);
  else if (of === STORAGE_TIMER) storageTimer(core, id);
  else if (!/^-?\d+$/.test(id)) return;
  else if (of === REQUEST_TIMER) requestTimer(core, BigInt(id));
  else if (of === REPEAT_TIMER) repeat(core, Number(id));
  else if (of === LINK_TIMER)
    withLink(core, Number(id), (link) =>
      name === "shown" ? shown(core, link) : linkTimer(core, link, name as LinkTimer),
    );
};

const perform = (core: Core, work: Work): void => {
  switch (work.type) {
    case "signed":
      messageSigned(core, work);
      return;
    case "verified":
      verified(core, work.delivery, work.message);
      return;
    case "nextValue":
      nextValue(core, work.job);
      return;
    case "valuesVerified":
      if (work.purpose.type === "serve") valuesVerified(core, work.purpose, work.signers);
      else core.work.push({ ...work.purpose, type: "ended", signers: work.signers });
      return;
    case "identified":
      withLink(core, work.job.link, (link) => identified(core, link, work.job, work.signer));
      return;
    case "arrived":
      withLink(core, work.link, (link) =>
        link.greeting === undefined ? arrive(core, link, work.message) : buffered(core, link, work.message),
      );
      return;
    case "oversized":
      withLink(core, work.link, (link) => oversized(core, link, work.beginning));
      return;
    case "goOn":
      if (work.link === OURSELVES) deliverOwn(core);
      else withLink(core, work.link, (link) => goOn(core, link));
      return;
    case "finished":
      if (!repeatLater(core, work.ended)) concluded(core, work.ended, work.bucket);
      return;
    case "ended":
      ended(core, work);
      return;
    default:
      performAbove(core, work);
  }
};

type Above = Extract<Work, { readonly type: "serve" | "peer" | "storage" | "stored" }>;

/** Work for the parts above the messages; a request that none of them answers is the owner's. */
const performAbove = (core: Core, work: Above): void => {
  switch (work.type) {
    case "serve": {
      const { asked, request, signers, users } = work;
      if (isStorageRequest(request) && core.storage !== undefined) storageServes(core, asked, request, signers, users);
      else if (!isStorageRequest(request) && request.type !== "configUpdateReq" && core.peer !== undefined)
        peerServes(core, asked, request);
      else core.orders.push(work);
      return;
    }
    case "peer":
      tellPeer(core, work.event);
      return;
    case "storage":
      tellStorage(core, work.event);
      return;
    case "stored":
      stored(core, work.isStored);
  }
};

/** A request of ours has ended: whoever asked learns it. */
const ended = (core: Core, { asker, outcome, signers }: Work & { readonly type: "ended" }): void => {
  switch (asker.type) {
    case "owner":
      core.orders.push({ type: "ended", ref: asker.ref, outcome, signers });
      return;
    case "certificate":
      fetched(core, asker.name, outcome);
      return;
    case "peer":
      peerAnswered(core, asker, outcome);
      return;
    case "kinds": {
      const refused = kindsAnswered(core, asker.repeat, outcome);
      if (refused !== undefined) core.work.push({ type: "ended", ...refused });
      return;
    }
    default:
      storageAnswered(core, asker, outcome, signers);
  }
};

const messageSigned = (core: Core, { purpose, packet, isError }: Work & { readonly type: "signed" }): void => {
  switch (purpose.type) {
    case "answer":
    case "tooLong":
      answerSigned(core, purpose.reply, packet, isError);
      return;
    case "request":
    case "again":
      requestSigned(core, purpose.transactionId, packet);
      return;
    case "greeting":
      withLink(core, purpose.link, (link) => greetingSigned(core, link, packet));
      return;
  }
};

/** Events of a link that is gone are late, and say nothing. */
const withLink = (core: Core, id: number, act: (link: Link) => void): void => {
  const link = core.table.links.get(id);
  if (link !== undefined) act(link);
};
