/**
 * How fast descriptions read and write, beside codecs written by hand and beside protobufjs.
 *
 *   VAP      an UploadVCR of 172 bytes: DataView code of this folder, and Protocol Buffers
 *   RELOAD   a FetchAns with three nodes on its Via List and a certificate, from the frame on its link to the fields of its
 *            signature and back, without the arithmetic of the signature; each call takes the next of many messages
 */

import * as assert from "node:assert/strict";
import {
  Certificates,
  codeOf,
  FramedMessage,
  fragmentWhole,
  identityOf,
  MessageContents,
  messageCode,
  nodeIdFrom,
  Packet,
  reloadVersion,
  SecurityBlock,
  sealedPayload,
  signatureBy,
  toNode,
  x509,
} from "../../codecs/reload/mod.ts";
import { ntp, vserviceId } from "../../codecs/shared/mod.ts";
import { VapMessage } from "../../codecs/vap/mod.ts";
import { cutViews, decode, decodeFirstViews, decodeViews, emptyRemainder, encode } from "../../codecs/wire/mod.ts";
import { makeByHand, openByHand, type Whole } from "./by-hand/reload.ts";
import { readVapByHand, writeVapByHand } from "./by-hand/vap.ts";
import { type Contest, rateOf } from "./kit.ts";

const upload: VapMessage = {
  type: { method: "uploadVcr", class: "request" },
  transactionId: Uint8Array.from({ length: 12 }, (_, i) => i),
  attributes: [
    { type: "username", value: "atlanta-call-agent" },
    { type: "realm", value: "ViPR" },
    { type: "clientHandle", value: 7 },
    { type: "callDirection", value: "received" },
    { type: "startTime", value: ntp(0xe8f1_2a3b_8000_0000n) },
    { type: "stopTime", value: ntp(0xe8f1_2a9b_4000_0000n) },
    { type: "callingNumber", value: "+14085555432" },
    { type: "calledNumber", value: "+17325551000" },
    {
      type: "serviceIdentity",
      value: {
        service: 101,
        subservice: 4,
        vservice: vserviceId(0x1234_5678_9abc_def0n),
        instance: 0xffff_ffff_ffff_ffffn,
      },
    },
    { type: "messageIntegrity", value: new Uint8Array(20).fill(1) },
  ],
};
const uploadBytes = encode(VapMessage, upload);

/** So many messages, of nodes of a ring, that no value is the one of the call before. */
const MESSAGES = 64;
const ids = Array.from({ length: 200 }, (_, i) => (BigInt(i + 1) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835n) >> 5n);
const nodeOf = (i: number) => toNode(nodeIdFrom(BigInt.asUintN(128, ids[i % ids.length]!)));
const certificate = Uint8Array.from({ length: 520 }, (_, i) => (i * 31) & 0xff);
const bucket = encode(Certificates, [x509(certificate)]);
const signature = signatureBy("ecdsa", identityOf(certificate), new Uint8Array(71).fill(3));

interface ToMake {
  readonly sequence: number;
  readonly header: Omit<Packet, "payload">;
  readonly contents: MessageContents;
}
const toMake: ReadonlyArray<ToMake> = Array.from({ length: MESSAGES }, (_, i) => ({
  sequence: 1_000 + i,
  header: {
    overlay: 0x1234_5678,
    configurationSequence: 7,
    version: reloadVersion,
    ttl: 98,
    fragment: fragmentWhole,
    transactionId: BigInt(i + 1) * 0x0123_4567_89ab_cdefn,
    maxResponseLength: 0,
    viaList: [nodeOf(i), nodeOf(3 * i + 1), nodeOf(7 * i + 2)],
    destinationList: [nodeOf(11 * i + 3)],
    options: [],
  },
  contents: { code: messageCode.fetchAns, body: new Uint8Array(300).fill(i), extensions: [] },
}));

const make = ({ sequence, header, contents }: ToMake): Uint8Array => {
  const payload = sealedPayload(encode(MessageContents, contents), bucket, signature);
  const message = encode(Packet, { ...header, payload });
  return encode(FramedMessage, { type: "data", frame: { sequence, message } });
};
const handMake = ({ sequence, header, contents }: ToMake): Uint8Array =>
  makeByHand(sequence, header, contents, bucket, signature);

/** As a link, the dispatcher and the opener of messages do it one after the other. */
const open = (chunk: Uint8Array): Whole | undefined => {
  const [frame] = cutViews(FramedMessage, emptyRemainder, chunk, 65_536).messages;
  if (frame?.type !== "data") return undefined;
  const { sequence, message } = frame.frame;
  const packet = decodeViews(Packet, message);
  if (!packet.ok || codeOf(packet.value.payload) === undefined) return undefined;
  const { payload } = packet.value;
  const head = decodeFirstViews(MessageContents, payload);
  if (!head.ok) return undefined;
  const tail = decodeViews(SecurityBlock, payload, head.size);
  return tail.ok ? { sequence, packet: packet.value, contents: head.value, security: tail.value } : undefined;
};

const frames = toMake.map(make);
toMake.forEach((one, i) => assert.deepEqual(handMake(one), frames[i]));
for (const frame of frames) assert.deepEqual(openByHand(frame), open(frame));
assert.ok(open(frames[0]!) !== undefined);
assert.deepEqual(writeVapByHand(upload), uploadBytes);
assert.deepEqual(readVapByHand(uploadBytes), upload);
assert.deepEqual(decode(VapMessage, uploadBytes), { ok: true, value: upload });

let turn = 0;
const next = <A>(all: ReadonlyArray<A>): A => all[turn++ % MESSAGES]!;
const ours = (name: string, aim: number, work: () => unknown, peerName: string, peer: () => unknown): Contest => ({
  name: `codec: ${name}`,
  unit: "1/s",
  peerName,
  ours: () => rateOf(work),
  peer: () => rateOf(peer),
  aim,
});

/** protobufjs is a package of development: where it is missing the other rows still run. */
const roundTrip = async (): Promise<Contest> => {
  const peer = import("./by-hand/vap-protobuf.ts").then(({ ProtobufVap, protobufOf }) => {
    const message = protobufOf(upload);
    return () => ProtobufVap.decode(ProtobufVap.encode(message).finish());
  });
  peer.catch(() => undefined);
  const work = () => decodeViews(VapMessage, encode(VapMessage, upload));
  return { ...ours("VAP round trip", 1.1, work, "protobufjs", work), peer: async () => rateOf(await peer) };
};

export const contests = async (): Promise<ReadonlyArray<Contest>> => [
  await roundTrip(),
  ours(
    "VAP encode",
    0.95,
    () => encode(VapMessage, upload),
    "by hand",
    () => writeVapByHand(upload),
  ),
  ours(
    "VAP decode",
    0.95,
    () => decode(VapMessage, uploadBytes),
    "by hand",
    () => readVapByHand(uploadBytes),
  ),
  ours(
    "RELOAD packet opened",
    0.8,
    () => open(next(frames)),
    "by hand",
    () => openByHand(next(frames)),
  ),
  ours(
    "RELOAD packet made",
    0.8,
    () => make(next(toMake)),
    "by hand",
    () => handMake(next(toMake)),
  ),
];
