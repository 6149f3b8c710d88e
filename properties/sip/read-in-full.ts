/**
 * The readers of datagrams and streams, and all that is read of a message later on. What they let pass must print as SIP that
 * they read again, and a stream whose framing holds goes on with the next message.
 */
import { ok, strictEqual } from "node:assert";
import {
  badRequestOf,
  cutSip,
  dialogOfCallee,
  emptySipRemainder,
  hopsOf,
  listOf,
  parseNameAddr,
  parseSip,
  printSdp,
  printSip,
  readDatagram,
  requestUriOf,
  responseTo,
  routesIn,
  type SipMessage,
  sessionIn,
  tagOf,
  textsOf,
  ticketOf,
} from "../../codecs/sip/mod.ts";
import { NEXT, NEXT_URI } from "./next.ts";

/** Of the datagram. */
export type Verdict = "read" | "unreadable" | "nothing";
const STREAM_BYTES_MAX = 16_384;

/** Reads one message in every way; throws where a law is broken. `cutAt`: where the stream is cut in two. */
export const readInFull = (bytes: Uint8Array, cutAt: number): Verdict => {
  const found = readDatagram(bytes);
  const verdict = found === undefined ? "nothing" : "type" in found ? "read" : "unreadable";
  if (found !== undefined && "type" in found) readAll(found);
  else if (found !== undefined) printUnreadable(found);
  const at = bytes.length === 0 ? 0 : cutAt % bytes.length;
  const first = cutSip(emptySipRemainder, bytes.subarray(0, at), STREAM_BYTES_MAX);
  if (first.error !== undefined) return verdict;
  const second = cutSip(first.rest, bytes.subarray(at), STREAM_BYTES_MAX);
  ok(second.rest.buffer.length <= 2 * STREAM_BYTES_MAX, "more is held than may be");
  for (const found of [...first.unreadable, ...second.unreadable]) printUnreadable(found);
  if (second.error !== undefined || second.rest.from !== second.rest.to) return verdict;
  const next = cutSip(second.rest, NEXT, STREAM_BYTES_MAX);
  const [message] = next.messages;
  strictEqual(message?.type === "request" && message.uri, NEXT_URI, "the stream does not go on");
  return verdict;
};

const printUnreadable = (found: Parameters<typeof badRequestOf>[0]): void => {
  const answer = badRequestOf(found, "tag");
  if (answer !== undefined) printSip(answer);
};

const readAll = (message: SipMessage): void => {
  const again = parseSip(printSip(message));
  ok(again.ok, again.ok ? "" : `what was printed is no SIP: ${again.error.at} ${again.error.why}`);
  strictEqual(again.value.body.length, message.body.length);
  strictEqual(again.value.headers.length, message.headers.length);
  for (const name of ["From", "To"] as const) tagOf(message, name);
  for (const name of ["Contact", "Route", "Record-Route"])
    for (const value of listOf(message, name)) parseNameAddr(name, value);
  ticketOf(message);
  routesIn(message);
  hopsOf(message);
  const session = sessionIn(message);
  if (session.ok) printSdp(session.value);
  if (message.type === "response") return;
  requestUriOf(message);
  textsOf(message);
  const response = responseTo(message, 200, { toTag: "tag" });
  const printed = parseSip(printSip(response));
  ok(printed.ok, "its answer is no SIP");
  dialogOfCallee(message, response);
};
