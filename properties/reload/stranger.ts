/** A TLS client of a node that is no node of ours: it has a certificate of the overlay, and sends any bytes. */

import * as assert from "node:assert/strict";
import { Effect } from "effect";
import { type ByteStreamShape, type Credentials, Dialer } from "../../actors/ports/mod.ts";
import {
  decodeBody,
  errorNameOf,
  FramedMessage,
  isRequestCode,
  nodeIdFrom,
  Packet,
  Payload,
  type Request,
  toNode,
} from "../../codecs/reload/mod.ts";
import { cut, decode, emptyRemainder, encode } from "../../codecs/wire/mod.ts";
import type { Member, Overlay } from "./ring-of-nodes.ts";
import { makeMessageSecurity } from "./security-host.ts";

export const OUTSIDER = nodeIdFrom(0xabcn);
export const ping: Request = { type: "pingReq", value: { padding: new Uint8Array() } };
/** An Attach with an address that no node listens at. */
export const attach: Request = {
  type: "attachReq",
  value: {
    ufrag: new Uint8Array(),
    password: new Uint8Array(),
    role: "passive",
    candidates: [],
    sendUpdate: false,
  },
};

/** A stream to a node, under these credentials. */
export const dialled = Effect.fnUntraced(function* (to: Member, tls: Credentials) {
  return yield* (yield* Dialer).dial({ host: to.host, port: to.port, tls });
});

/** Everything that comes until the node closes the stream. */
export const readToEnd = Effect.fnUntraced(function* (stream: ByteStreamShape) {
  let remainder = emptyRemainder;
  const frames: Array<FramedMessage> = [];
  while (true) {
    const chunk = yield* Effect.result(stream.read);
    if (chunk._tag === "Failure") return frames;
    const got = cut(FramedMessage, remainder, chunk.success, 0xff_ffff);
    frames.push(...got.messages);
    remainder = got.rest;
  }
});

export const framed = (packet: Packet): Uint8Array =>
  encode(FramedMessage, { type: "data", frame: { sequence: 0, message: encode(Packet, packet) } });

/** What a node answers to one packet: a body's type, an error's name, or nothing within a second. */
export const answerTo = Effect.fnUntraced(function* (stream: ByteStreamShape, packet: Packet) {
  yield* stream.write(framed(packet));
  const answer = yield* Effect.timeoutOption(nextAnswer(stream), 1_000);
  return answer._tag === "Some" ? answer.value : "silence";
});

/** Requests of the node's own, such as the Update it greets every neighbour with, are passed over. */
export const nextAnswer = Effect.fnUntraced(function* (stream: ByteStreamShape) {
  let remainder = emptyRemainder;
  while (true) {
    const got = cut(FramedMessage, remainder, yield* stream.read, 0xff_ffff);
    remainder = got.rest;
    for (const { type, frame } of got.messages) {
      const read = type === "data" ? decode(Packet, frame.message) : undefined;
      const payload = read?.ok ? decode(Payload, read.value.payload) : undefined;
      if (!payload?.ok || isRequestCode(payload.value.contents.code)) continue;
      const body = decodeBody(payload.value.contents);
      assert.ok(body?.ok);
      return body.value.type === "error" ? errorNameOf(body.value.value.code) : body.value.type;
    }
  }
});

export const outsider = Effect.fnUntraced(function* (overlay: Overlay, id = OUTSIDER) {
  const credentials = yield* overlay.issue(id);
  const configuration = { now: () => overlay.configuration, roots: () => credentials.roots };
  const security = yield* makeMessageSecurity(credentials, configuration);
  const sign = (to: Member, body: Request = ping) =>
    security.sign({ transactionId: 5n, destinations: [toNode(to.nodeId)], body });
  return { credentials, security, sign };
});
