/**
 * One link: bytes in, messages out, and the other way; numbered and acknowledged by the machine of reload/link.ts.
 *
 *   received --> cut --> frames, one after the other --> step --> deliver --> the message, when the neighbour's rate allows it
 *   send ----------------------------- outgoing -------> step --> write ----> bytes
 *
 * The next frame waits until the message before it has been verified and served; while frames wait the host reads no more.
 * A signature takes some hundred microseconds to verify, and all links share one thread: a neighbour that sends faster is held
 * up by its own TCP window, and the others are not slowed down. The rate belongs to the Node-ID: a second link, or a new one,
 * has no second bucket. RFC 6940 §6.6.2, §13.6.5. DECISIONS.md D-014.
 */
import { ForwardingHeader, FRAME_OVERHEAD_BYTES, FramedMessage, FrameStart } from "../../codecs/reload/mod.ts";
import { concat, keepNewest, nodeIdText } from "../../codecs/shared/mod.ts";
import { cutViews, decodeFirst, encode, wireErrorText } from "../../codecs/wire/mod.ts";
import { fullBucket, type ReloadLinkEvent, reloadLink, take, waitMs } from "../reload/mod.ts";
import { type Core, capture, note, startOf, stepped } from "./core.ts";
import { enter, isFull, type Link, remove } from "./link-table.ts";

/** Of a message over the limit, what is read to find out which node to answer, and how long that may take. */
const HEADER_BYTES_MAX = 4_096;
const HEADER_MS = 1_000;
/** Of its payload: the message code, which tells a request from an answer. */
const CODE_BYTES = 2;
/** For an error sent just before closing to leave. */
const LINGER_MS = 200;
/** Neighbours whose rates are remembered. The one longest unused is dropped first; its bucket is full again by then. */
const NEIGHBOURS_MAX = 1_024;

/** The timers of a link. */
export type LinkTimer = "rto" | "hold" | "rate" | "header" | "linger" | "identify" | "shown";
const LINK_TIMERS: ReadonlyArray<LinkTimer> = ["rate", "header", "linger", "identify", "shown"];
export const TIMER = "link";
export const startTimer = (core: Core, { id }: Link, timer: LinkTimer, ms: number): void =>
  void core.orders.push({ type: "startTimer", timer: `${TIMER} ${id} ${timer}`, ms });
export const stopTimer = (core: Core, { id }: Link, timer: LinkTimer): void =>
  void core.orders.push({ type: "stopTimer", timer: `${TIMER} ${id} ${timer}` });

const nameOf = ({ node, names }: Link): string => nodeIdText(node ?? names[0]!);

/** Begins the machine, and has the host read. */
export const openLink = (core: Core, link: Link): void => {
  const { rtoMsMin, holdMs } = core.settings.limits;
  link.isPaused = false;
  core.orders.push({ type: "resume", link: link.id });
  const input = { rtoMsMin, holdMs };
  perform(core, link, saw(core, link, startOf(input), reloadLink.start(input)));
};

/** Sends a message over the link; false where it is not open. */
export const sendOn = (core: Core, link: Link, message: Uint8Array): boolean => {
  if (link.snapshot === undefined) return false;
  capture(core, link.id, true, message);
  tell(core, link, { type: "outgoing", message, atMs: core.nowMs });
  return true;
};

export const received = (core: Core, link: Link, bytes: Uint8Array): void => {
  if (link.snapshot === undefined || link.isEnding) return;
  if (link.fault !== undefined) {
    link.fault = { ...link.fault, start: concat(link.fault.start, bytes) };
    core.work.push({ type: "goOn", link: link.id });
    return;
  }
  const { buffer, size } = link.remainder;
  const got = cutViews(FramedMessage, link.remainder, bytes, core.overlay.maxMessageSize + FRAME_OVERHEAD_BYTES);
  if (got.error !== undefined) {
    const why = wireErrorText(got.error);
    note(core, "warning", "reload.link.garbage", { node: nameOf(link), why });
    const good = got.raw.reduce((sum, { length }) => sum + length, 0);
    link.fault = { why, start: concat(buffer.subarray(0, size), bytes).slice(good, good + HEADER_BYTES_MAX) };
    startTimer(core, link, "header", HEADER_MS);
  }
  link.remainder = got.rest;
  for (const frame of got.messages) link.frames.push(frame);
  core.work.push({ type: "goOn", link: link.id });
};

/** The link's next frames, as far as none of them has to wait; then its fault, if it has one. */
export const goOn = (core: Core, link: Link): void => {
  const isWaiting = () => link.isBusy || link.held !== undefined || link.isEnding || link.snapshot === undefined;
  while (!isWaiting() && link.early.length > 0) arrived(core, link, link.early.shift()!);
  while (!isWaiting() && link.frames.length > 0)
    tell(core, link, { type: "framed", frame: link.frames.shift()!, atMs: core.nowMs });
  if (link.snapshot === undefined) return;
  if (!isWaiting() && link.fault !== undefined) lookAtFault(core, link, link.fault);
  const isFullUp = isWaiting() && link.frames.length > 0;
  if (isFullUp === link.isPaused || link.snapshot === undefined) return;
  link.isPaused = isFullUp;
  core.orders.push({ type: isFullUp ? "pause" : "resume", link: link.id });
};

/** One that does not run any more says nothing. */
export const linkTimer = (core: Core, link: Link, timer: LinkTimer): void => {
  if (LINK_TIMERS.includes(timer) && !isRunning(link, timer)) return;
  switch (timer) {
    case "rto":
    case "hold":
      tell(core, link, { type: "timerFired", timer, atMs: core.nowMs });
      return;
    case "rate": {
      const { held } = link;
      link.held = undefined;
      if (held !== undefined) deliver(core, link, held);
      return void core.work.push({ type: "goOn", link: link.id });
    }
    case "header":
    case "linger":
    case "identify":
      close(core, link, link.fault?.why ?? timer);
      return;
  }
};

/** Ends the link from our side. */
export const close = (core: Core, link: Link, why: string): void => {
  if (!core.table.links.has(link.id)) return;
  core.orders.push({ type: "close", link: link.id, why });
  lost(core, link, why);
};

/** The link is gone: with its stream, or closed by us. */
export const lost = (core: Core, link: Link, why: string): void => {
  if (!core.table.links.delete(link.id)) return;
  for (const timer of LINK_TIMERS) if (isRunning(link, timer)) stopTimer(core, link, timer);
  if (link.snapshot !== undefined && !reloadLink.isDone(link.snapshot)) {
    const closed = { type: "closed", why } as const;
    const { actions } = saw(core, link, closed, reloadLink.step(link.snapshot, closed));
    for (const action of actions) if (action.type === "stopTimer") stopTimer(core, link, action.timer);
  }
  link.snapshot = undefined;
  if (link.dialled !== undefined && !link.isEntered) {
    const { expected } = link.dialled;
    if (expected === undefined) core.work.push({ type: "peer", event: { type: "dialFailed", why } });
    else note(core, "debug", "reload.link.failed", { node: nodeIdText(expected), why });
  }
  if (link.node !== undefined && remove(core.table, link, link.node))
    core.work.push({ type: "peer", event: { type: "unlinked", node: link.node, why } });
  note(core, "debug", "reload.link.lost", { node: link.names.length === 0 ? "" : nameOf(link), why });
};

const isRunning = (link: Link, timer: LinkTimer): boolean => {
  switch (timer) {
    case "rate":
      return link.held !== undefined;
    case "header":
      return link.fault !== undefined && !link.isEnding;
    case "linger":
      return link.isEnding;
    case "identify":
      return link.greeting !== undefined;
    case "shown":
      return link.isShowing;
    default:
      return false;
  }
};

const tell = (core: Core, link: Link, event: ReloadLinkEvent): void => {
  if (link.snapshot !== undefined) perform(core, link, saw(core, link, event, reloadLink.step(link.snapshot, event)));
};

const saw = (
  core: Core,
  { id }: Link,
  event: { readonly type: string },
  step: ReturnType<typeof reloadLink.start>,
): ReturnType<typeof reloadLink.start> => stepped(core, reloadLink.id, `${TIMER} ${id}`, event, step);

const perform = (core: Core, link: Link, { snapshot, actions }: ReturnType<typeof reloadLink.start>): void => {
  link.snapshot = snapshot;
  for (const action of actions)
    switch (action.type) {
      case "write":
        core.orders.push({ type: "write", link: link.id, bytes: encode(FramedMessage, action.frame) });
        break;
      case "deliver":
        deliver(core, link, action.message);
        break;
      case "startTimer":
        startTimer(core, link, action.timer, action.ms);
        break;
      case "stopTimer":
        stopTimer(core, link, action.timer);
        break;
      case "report":
        if (action.state === "open") opened(core, link);
        else if (action.state === "doubtful") doubtful(core, link);
        break;
      case "close":
        close(core, link, "silent");
    }
};

/** The link is open, or acknowledged again: it is used from now on, if its other end is known. */
export const opened = (core: Core, link: Link): void => {
  const { node, dialled } = link;
  if (node === undefined) return;
  if (!link.isEntered && isFull(core.table, node)) {
    close(core, link, "enough links");
    return;
  }
  const isFirst = !link.isEntered;
  link.isEntered = true;
  if (enter(core.table, link, node))
    core.work.push({ type: "peer", event: { type: "linked", node, atMs: core.nowMs } });
  if (isFirst && dialled !== undefined && dialled.expected === undefined)
    core.work.push({ type: "peer", event: { type: "dialled", node } });
};

/** Frames are not acknowledged: no message goes this way until `opened`. */
const doubtful = (core: Core, link: Link): void => {
  const { node } = link;
  if (node !== undefined && remove(core.table, link, node))
    core.work.push({ type: "peer", event: { type: "unlinked", node, why: "doubtful" } });
};

const deliver = (core: Core, link: Link, message: Uint8Array): void => {
  const { messagesPerSecond } = core.settings.limits;
  const who = link.node ?? link.names[0]!;
  const bucket = core.rates.get(who) ?? fullBucket(messagesPerSecond, core.nowMs);
  const left = take(bucket, messagesPerSecond, core.nowMs);
  keepNewest(core.rates, NEIGHBOURS_MAX, who, left ?? bucket);
  if (left === undefined) {
    link.held = message;
    startTimer(core, link, "rate", waitMs(bucket, messagesPerSecond, core.nowMs));
    return;
  }
  arrived(core, link, message);
};
const arrived = (core: Core, link: Link, message: Uint8Array): void => {
  capture(core, link.id, false, message);
  link.isBusy = true;
  core.work.push({ type: "arrived", link: link.id, message });
};

/** Its message has been verified and served: the next one may come. */
export const free = (core: Core, link: Link): void => {
  link.isBusy = false;
  core.work.push({ type: "goOn", link: link.id });
};

/**
 * "the peer SHOULD send an Error_Message_Too_Large error and then close the TLS or DTLS session from which the message was
 * received. Note that this error can be sent and the session closed before the peer receives the complete message", §6.6.
 */
const lookAtFault = (core: Core, link: Link, { why, start }: { readonly why: string; readonly start: Uint8Array }) => {
  const frame = decodeFirst(FrameStart, start);
  const isTooLong = frame.ok && frame.value.length > core.overlay.maxMessageSize;
  const header = isTooLong ? decodeFirst(ForwardingHeader, start.subarray(frame.size)) : undefined;
  if (frame.ok && header?.ok && start.length >= frame.size + header.size + CODE_BYTES) {
    const { length: _, ...known } = header.value;
    const payload = start.subarray(frame.size + header.size);
    stopTimer(core, link, "header");
    link.isEnding = true;
    startTimer(core, link, "linger", LINGER_MS);
    core.work.push({ type: "oversized", link: link.id, beginning: { ...known, payload } });
    return;
  }
  const mayBeHeader = frame.ok ? header?.ok || header?.error._tag === "Truncated" : frame.error._tag === "Truncated";
  if (!mayBeHeader || start.length >= HEADER_BYTES_MAX) close(core, link, why);
};
