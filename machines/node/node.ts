/**
 * A node of the overlay without a world: events in, orders out, as quinn's `Endpoint` is for QUIC. RFC 6940 §6.
 *
 *   received, connected, lost --------> links --> arriving --> verifying --> served, answered ---+
 *   signed, signatureVerified, ... ---> the job of that token                                    |
 *   timerFired -----------------------> link, request                                            |
 *   requested, answered, ring, ... ---> requests, outgoing <-------------------------------------+
 *                                           \--> write, dial, close, sign, verify, startTimer, serve, ended
 *
 * It reads no clock, draws from its seed, calls nobody back and waits for nothing: what takes time is ordered, under a token,
 * and its answer is an event with that token. One event is wholly performed before the next is taken: `handle` returns when no
 * part has work left, and a host performs the orders before it gives the next event. DECISIONS.md D-267.
 */
import { answer, answerSigned, arrive, deliverOwn, oversized, valuesVerified, verified } from "./arriving.ts";
import { fetched } from "./certificates.ts";
import { type Core, drop, type Job, openCore, type Work } from "./core.ts";
import {
  close,
  goOn,
  TIMER as LINK_TIMER,
  type LinkTimer,
  linkTimer,
  lost,
  received,
} from "./link-frames.ts";
import type { Link } from "./link-table.ts";
import {
  accepted,
  buffered,
  certified,
  connect,
  connected,
  endVisit,
  greetingSigned,
  identified,
  shown,
  visit,
} from "./links.ts";
import { OURSELVES } from "./outgoing.ts";
import { abandon, beginRequest, TIMER as REQUEST_TIMER, requestSigned, requestTimer } from "./requests.ts";
import { signed } from "./signing.ts";
import type { NodeEvent, NodeOrder, NodeSettings } from "./types.ts";
import { chainVerified, nextValue, signatureVerified } from "./verifying.ts";

export const openNode = (settings: NodeSettings): Core => openCore(settings);

/** Handles one event at that time, in Unix milliseconds; the orders are to be performed in their order. */
export const handle = (core: Core, event: NodeEvent, nowMs: number): ReadonlyArray<NodeOrder> => {
  const orders: Array<NodeOrder> = [];
  core.orders = orders;
  core.nowMs = nowMs;
  take(core, event);
  for (let work = core.work.shift(); work !== undefined; work = core.work.shift()) perform(core, work);
  return orders;
};

const take = (core: Core, event: NodeEvent): void => {
  switch (event.type) {
    case "accepted":
      return accepted(core, event.link, event.stream);
    case "connected":
      return withLink(core, event.link, (link) => connected(core, link, event.stream));
    case "unreachable":
    case "lost":
      return withLink(core, event.link, (link) => lost(core, link, event.why));
    case "received":
      return withLink(core, event.link, (link) => received(core, link, event.bytes));
    case "unwritten":
      return drop(core, "a full link");
    case "timerFired":
      return timerFired(core, event.timer);
    case "requested": {
      const { ref, verifiesValues = false, ...to } = event.request;
      return beginRequest(core, { ref, verifiesValues }, to);
    }
    case "abandoned":
      return abandon(core, event.ref);
    case "answered":
      return answer(core, event.reply, event.body, event.certificates);
    case "visit":
      return visit(core, event.endpoint);
    case "connect":
      return connect(core, event.node, event.endpoint);
    case "release":
      return endVisit(core, event.node);
    case "signed":
    case "signatureVerified":
    case "chainVerified":
      return portAnswered(core, event);
    default:
      return changed(core, event);
  }
};

type PortAnswer = Extract<NodeEvent, { readonly token: number }>;
type Change = Extract<NodeEvent, { readonly type: "published" | "configured" | "ring" }>;

const changed = (core: Core, event: Change): void => {
  switch (event.type) {
    case "ring":
      core.view = event.view;
      return;
    case "published":
      core.isPublished = event.isThere;
      return;
    case "configured": {
      const { overlay, roots } = event;
      if (roots.length !== core.roots.length || roots.some((root, i) => root !== core.roots[i])) core.trust.cached.clear();
      core.overlay = overlay;
      core.roots = roots;
      // "the certificate with this Node-ID MUST NOT be considered valid", §11.1: no link of such a certificate stays open.
      for (const link of [...core.table.links.values()])
        if (link.names.some((name) => overlay.badNodes.includes(name))) close(core, link, "a bad node");
    }
  }
};

/** An answer to an order goes on with its job; one whose job is of another kind, or done, says nothing. */
const portAnswered = (core: Core, event: PortAnswer): void => {
  const job = core.jobs.get(event.token);
  if (job === undefined || !isAnswerTo(job, event)) return;
  core.jobs.delete(event.token);
  if (event.type === "signed") return signed(core, job as Job & { readonly type: "sign" }, event.value);
  if (job.type === "names")
    return withLink(core, job.link, (link) => certified(core, link, event.type === "chainVerified" ? event.facts : undefined));
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

const timerFired = (core: Core, timer: string): void => {
  const [of, id = "", name] = timer.split(" ");
  if (of === REQUEST_TIMER) return requestTimer(core, BigInt(id));
  if (of !== LINK_TIMER) return;
  return withLink(core, Number(id), (link) => (name === "shown" ? shown(core, link) : linkTimer(core, link, name as LinkTimer)));
};

const perform = (core: Core, work: Work): void => {
  switch (work.type) {
    case "signed":
      return messageSigned(core, work);
    case "verified":
      return verified(core, work.delivery, work.message);
    case "nextValue":
      return nextValue(core, work.job);
    case "valuesVerified":
      if (work.then.type === "serve") return valuesVerified(core, work.then, work.signers);
      return void core.orders.push({ ...work.then, type: "ended", signers: work.signers });
    case "identified":
      return withLink(core, work.job.link, (link) => identified(core, link, work.job, work.signer));
    case "arrived":
      return withLink(core, work.link, (link) =>
        link.greeting === undefined ? arrive(core, link, work.message) : buffered(core, link, work.message),
      );
    case "oversized":
      return withLink(core, work.link, (link) => oversized(core, link, work.beginning));
    case "goOn":
      return work.link === OURSELVES ? deliverOwn(core) : withLink(core, work.link, (link) => goOn(core, link));
    case "fetched":
      return fetched(core, work.name, work.outcome);
  }
};

const messageSigned = (core: Core, { then, packet, isError }: Work & { readonly type: "signed" }): void => {
  switch (then.type) {
    case "answer":
    case "tooLong":
      return answerSigned(core, then.reply, packet, isError);
    case "request":
    case "again":
      return requestSigned(core, then.transactionId, packet);
    case "greeting":
      return withLink(core, then.link, (link) => greetingSigned(core, link, packet));
  }
};

/** Events of a link that is gone are late, and say nothing. */
const withLink = (core: Core, id: number, act: (link: Link) => void): void => {
  const link = core.table.links.get(id);
  if (link !== undefined) act(link);
};
