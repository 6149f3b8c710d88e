/**
 * Wireshark's own RELOAD dissector reads what we send: an overlay's join, stores, fetches and farewell, tapped below TLS,
 * and one of every message of RFC 6940. Nothing may be malformed, no length too large, no code unknown to it.
 */

import { ok, deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Layer } from "effect";
import { type ByteStreamShape, Dialer } from "../../actors/ports/mod.ts";
import { claimsOf, publishNumber, withdrawNumber } from "../../actors/reload/mod.ts";
import {
  applicationId,
  type Body,
  ChordLeaveData,
  type ErrorName,
  ecdsaSignature,
  encodeBody,
  errorBody,
  errorCode,
  FramedMessage,
  fragmentWhole,
  hostCandidate,
  identityOf,
  identityOfNode,
  kindId,
  messageCode,
  nodeIdFrom,
  overlayHash,
  Packet,
  Payload,
  reloadPort,
  resourceOfNumber,
  StoreAns,
  type StoredData,
  signatureBy,
  toNode,
  toResource,
  UnknownKinds,
  x509,
} from "../../codecs/reload/mod.ts";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { cut, emptyRemainder, encode } from "../../codecs/wire/mod.ts";
import { fragmentsOf } from "../../machines/reload/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeIds } from "../kit/node-ids.ts";
import { type Piece, tcpCapture } from "../kit/pcap.ts";
import { overlayOf } from "../reload/ring-of-nodes.ts";
import type { InteropCheck } from "./run.ts";

/** One frame a piece. The dissector takes a segment to begin with a frame and to hold it whole: it joins none. */
const framesOf = (pieces: ReadonlyArray<Piece>): ReadonlyArray<Piece> => {
  const remainder = { out: emptyRemainder, in: emptyRemainder };
  return pieces.flatMap(({ out, data }) => {
    const way = out ? "out" : "in";
    const { raw, rest, error } = cut(FramedMessage, remainder[way], data, 0xff_ffff);
    same(error, undefined);
    remainder[way] = rest;
    return raw.map((frame) => ({ out, data: frame.slice() }));
  });
};

const captureOf = (streams: ReadonlyArray<ReadonlyArray<Piece>>): Uint8Array =>
  tcpCapture(streams.map(framesOf), reloadPort);

/** A dialler that writes down what its streams carry. */
const tapped = (streams: Array<Array<Piece>>) =>
  Layer.effect(
    Dialer,
    Effect.map(Dialer, ({ dial }) => ({
      dial: (target: Parameters<typeof dial>[0]) =>
        Effect.map(dial(target), (stream): ByteStreamShape => {
          const pieces: Array<Piece> = [];
          streams.push(pieces);
          return {
            ...stream,
            read: Effect.tap(stream.read, (data) => Effect.sync(() => pieces.push({ out: false, data }))),
            write: (data) =>
              Effect.suspend(() => {
                pieces.push({ out: true, data: data.slice() });
                return stream.write(data);
              }),
          };
        }),
    })),
  );

const dissect = (capture: Uint8Array, words: ReadonlyArray<string>): string => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-"));
  try {
    const file = join(folder, "overlay.pcap");
    writeFileSync(file, capture);
    // The Kind is private: the dissector is told its data model, as it knows those of RFC 6940.
    const kind = `uat:reload_kindids:"${kindId.viprRegistration}","VIPR-REGISTRATION","DICTIONARY"`;
    const { stdout, stderr, status } = spawnSync("tshark", ["-r", file, "-o", kind, ...words], {
      encoding: "utf8",
      maxBuffer: 256 * 1_048_576,
    });
    ok(status === 0, stderr);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const FAULTS = /malformed|\[Expert Info \((?:Error|Warning)[^\]]*|Computed length|Trailing|\[Bogus/gi;
const assertSound = (text: string): void => {
  const faults = [...text.matchAll(FAULTS)].map(([fault]) => fault);
  same([...new Set(faults)], []);
};

const codesIn = (capture: Uint8Array): ReadonlySet<number> =>
  new Set(
    dissect(capture, ["-T", "fields", "-e", "reload.message.code"])
      .split(/[\s,]+/)
      .filter((word) => word !== "")
      .map(Number),
  );

const overlayCapture = async (): Promise<Uint8Array> => {
  const streams: Array<Array<Piece>> = [];
  const body = Effect.gen(function* () {
    const overlay = yield* overlayOf(
      3,
      {},
      { applications: { [applicationId.pvp]: { host: "127.0.0.1", port: 5621 } } },
    );
    for (let i = 1; i < 4; i++) yield* overlay.join();
    yield* Effect.sleep(200);
    const [a, b, c, d] = overlay.members as [(typeof overlay.members)[0], ...typeof overlay.members] as any;
    for (let i = 0; i < 8; i++)
      yield* publishNumber(i % 2 === 0 ? a : b, e164(`+1408555${1_000 + i}`), vserviceId(BigInt(i)), 3_600);
    for (let i = 0; i < 8; i++) yield* claimsOf(c, e164(`+1408555${1_000 + i}`));
    yield* withdrawNumber(a, e164("+14085551000"), vserviceId(0n));
    yield* b.appAttach(d.nodeId, applicationId.pvp);
    yield* Effect.flip(b.appAttach(d.nodeId, 0xf0ff));
    yield* c.ping(a.nodeId);
    yield* d.leave;
  });
  const world = Layer.provideMerge(tapped(streams), memoryLayer({ seed: 11 }));
  await runVirtual(Effect.provide(Effect.scoped(body), world) as Effect.Effect<void, unknown>);
  return captureOf(streams);
};

/** One of every message, save a signature by nobody: the dissector names SignerIdentityType none(3), and calls it unknown. */
const samples = (): ReadonlyArray<Body> => {
  const none = new Uint8Array();
  const resource = resourceOfNumber(e164("+14085555432"));
  const candidates = [
    hostCandidate({ host: "192.0.2.1", port: 6084 })!,
    hostCandidate({ host: "2001:db8::1", port: 6084 })!,
  ];
  const attach = { ufrag: none, password: none, role: "passive", candidates, sendUpdate: true };
  const appAttach = { ufrag: none, password: none, application: applicationId.pvp, role: "active", candidates };
  const signature = ecdsaSignature(identityOf(none), Uint8Array.of(1, 2, 3));
  const dictionary: StoredData = {
    storageTime: 1_300_000_000_000n,
    lifetime: 60,
    value: { key: new Uint8Array(24), value: { exists: true, value: new Uint8Array(16) } },
    signature,
  };
  const certificate = Uint8Array.of(0x30, 0); // a sequence of nothing
  const array: StoredData = { ...dictionary, value: { index: 0, value: { exists: true, value: certificate } } };
  const kinds = [
    { kind: kindId.viprRegistration, generation: 1n, values: [dictionary] },
    { kind: kindId.certificateByNode, generation: 2n, values: [array] },
  ];
  const specifiers = [
    // All keys, as we ask: the dissector looks for named ones in the wrong place (20 bytes early).
    { kind: kindId.viprRegistration, generation: 0n, specifier: [] },
    { kind: kindId.certificateByNode, generation: 0n, specifier: [{ first: 0, last: 5 }] },
  ];
  const meta = { exists: true, valueLength: 16, hashAlgorithm: 4, hash: new Uint8Array(32) };
  const stats = [
    {
      kind: kindId.viprRegistration,
      generation: 1n,
      values: [{ storageTime: 1n, lifetime: 2, metadata: { key: new Uint8Array(24), value: meta } }],
    },
  ];
  const nodes = nodeIds(1n, 2n);
  const leaves = (["fromSuccessor", "fromPredecessor"] as const).map((type) => encode(ChordLeaveData, { type, nodes }));
  const kindBlock = "<kind-block/>";
  const stored = { kinds: [{ kind: kindId.viprRegistration, generation: 1n, replicas: nodes }] };
  // Two errors say more than words, §7.4.1.2.
  const infoOf: Partial<Record<ErrorName, Uint8Array>> = {
    generationCounterTooLow: encode(StoreAns, stored),
    unknownKind: encode(UnknownKinds, [kindId.turnService]),
  };
  return [
    { type: "probeReq", value: { requested: ["responsibleSet", "numResources", "uptime"] } },
    {
      type: "probeAns",
      value: {
        information: [
          { type: "responsibleSet", value: 5 },
          { type: "numResources", value: 6 },
          { type: "uptime", value: 7 },
        ],
      },
    },
    { type: "attachReq", value: attach },
    { type: "attachAns", value: { ...attach, role: "active" } },
    { type: "storeReq", value: { resource, replica: 0, kinds } },
    { type: "storeAns", value: stored },
    { type: "fetchReq", value: { resource, specifiers } },
    { type: "fetchAns", value: { kinds } },
    { type: "statReq", value: { resource, specifiers } },
    { type: "statAns", value: { kinds: stats } },
    { type: "findReq", value: { resource, kinds: [kindId.viprRegistration] } },
    { type: "findAns", value: { results: [{ kind: kindId.viprRegistration, closest: resource }] } },
    { type: "joinReq", value: { joiningPeer: nodeIdFrom(1n), overlayData: none } },
    { type: "joinAns", value: { overlayData: none } },
    ...leaves.map((overlayData): Body => ({ type: "leaveReq", value: { leavingPeer: nodeIdFrom(1n), overlayData } })),
    { type: "leaveAns", value: {} },
    { type: "updateReq", value: { uptime: 1, type: "peerReady", tables: {} } },
    { type: "updateReq", value: { uptime: 1, type: "neighbors", tables: { predecessors: nodes, successors: nodes } } },
    {
      type: "updateReq",
      value: { uptime: 1, type: "full", tables: { predecessors: nodes, successors: [], fingers: nodes } },
    },
    { type: "updateAns", value: {} },
    { type: "routeQueryReq", value: { sendUpdate: true, destination: toResource(resource), overlayData: none } },
    { type: "routeQueryAns", value: { nextPeer: nodeIdFrom(9n) } },
    { type: "pingReq", value: { padding: new Uint8Array(10) } },
    { type: "pingAns", value: { responseId: 1n, time: 1_300_000_000_000n } },
    { type: "appAttachReq", value: appAttach },
    { type: "appAttachAns", value: { ...appAttach, role: "passive" } },
    { type: "configUpdateReq", value: { type: "config", data: new TextEncoder().encode("<overlay/>") } },
    { type: "configUpdateReq", value: { type: "kind", data: [kindBlock] } },
    { type: "configUpdateAns", value: {} },
    // Those for experiments MUST NOT be used: all others are.
    ...(Object.keys(errorCode) as ReadonlyArray<ErrorName>)
      .filter((name) => !name.startsWith("exp"))
      .map((name) => errorBody(name, infoOf[name] ?? "why")),
  ];
};

/** Every kind of destination that may stand in a header, and an option. */
const wide: Partial<Packet> = {
  viaList: [toNode(nodeIdFrom(5n)), { compactId: 0x8123 }, { type: "opaqueId", data: Uint8Array.of(1, 2, 3) }],
  destinationList: [toNode(nodeIdFrom(6n)), { compactId: 0xffff }, toResource(new Uint8Array(16))],
  options: [{ type: 200, flags: 4, option: Uint8Array.of(7) }],
};

const packetOf = (body: Body, i: number): Packet => {
  const security = {
    certificates: [x509(Uint8Array.of(0x30, 0))],
    signature: ecdsaSignature(identityOf(Uint8Array.of(0x30, 0)), new Uint8Array(70)),
  };
  const packet: Packet = {
    overlay: overlayHash("ring.example"),
    configurationSequence: 1,
    version: 10,
    ttl: 100,
    fragment: fragmentWhole,
    transactionId: BigInt(i + 1),
    maxResponseLength: 0,
    viaList: [toNode(nodeIdFrom(5n))],
    destinationList: [toNode(nodeIdFrom(6n)), toResource(new Uint8Array(16))],
    options: [],
    payload: encode(Payload, { contents: encodeBody(body), security }),
  };
  return packet;
};

const frameOf = (packet: Packet, sequence: number): Piece => {
  const message = encode(Packet, packet);
  return { out: true, data: encode(FramedMessage, { type: "data", frame: { sequence, message } }) };
};

/** RSA and a certificate of several Node-IDs as well. */
const rsaSealed = (packet: Packet): Packet => {
  const contents = encodeBody({ type: "pingReq", value: { padding: new Uint8Array(3) } });
  const certificate = Uint8Array.of(0x30, 0);
  const signature = signatureBy("rsa", identityOfNode(certificate, nodeIdFrom(9n)), new Uint8Array(256));
  return {
    ...packet,
    payload: encode(Payload, { contents, security: { certificates: [x509(certificate)], signature } }),
  };
};

const sampleCapture = (): Uint8Array => {
  const packets = samples().map(packetOf);
  const [first] = packets as [Packet];
  const all = [...packets, rsaSealed(first), { ...first, ...wide }];
  return captureOf([all.map(frameOf)]);
};

/** A message cut for a link of 1200 bytes, as a node cuts it. */
const fragmentCapture = (): Uint8Array => {
  const long = packetOf({ type: "pingReq", value: { padding: new Uint8Array(3_000) } }, 77);
  return captureOf([fragmentsOf(long, 1_200).map(frameOf)]);
};

export const checks: ReadonlyArray<InteropCheck> = [
  {
    name: "tshark reads an overlay's join, stores, fetches and farewell",
    needs: ["tshark"],
    run: async () => {
      const capture = await overlayCapture();
      const text = dissect(capture, ["-V"]);
      assertSound(text);
      ok((text.match(/FramedMessage|RELOAD Framing/gi) ?? []).length > 100, "too few frames dissected");
      const codes = codesIn(capture);
      const { attachReq, attachAns, joinReq, joinAns, storeReq, storeAns, fetchReq, fetchAns } = messageCode;
      const { updateReq, updateAns, appAttachReq, appAttachAns, pingReq, pingAns, leaveReq, leaveAns, error } =
        messageCode;
      const wanted = [
        attachReq,
        attachAns,
        joinReq,
        joinAns,
        storeReq,
        storeAns,
        fetchReq,
        fetchAns,
        updateReq,
        updateAns,
      ];
      for (const code of [...wanted, appAttachReq, appAttachAns, pingReq, pingAns, leaveReq, leaveAns, error])
        ok(codes.has(code), `no message with code 0x${code.toString(16)}`);
    },
  },
  {
    name: "tshark reads one of every message",
    needs: ["tshark"],
    run: async () => {
      const capture = sampleCapture();
      assertSound(dissect(capture, ["-V"]));
      const codes = codesIn(capture);
      same(
        Object.values(messageCode).filter((code) => !codes.has(code)),
        [],
      );
      const text = dissect(capture, ["-V"]);
      const strange = [...text.matchAll(/^ *(\w[^\n]*Unknown \([^\n]*|[^\n]*unassigned[^\n]*)$/gim)].map(
        ([, line]) => line!,
      );
      // Ours by right (an application and an option without a registration), and two gaps of the dissector's, which was
      // written before the RFC: version 1.0, "a value of 0x0a" (§6.3.2), and Error_Invalid_Message, 0x14 (§14.9).
      same([...new Set(strange)].sort(), [
        "application (uint16): Unknown (61526)",
        "error_code (uint16): Unknown (20)",
        "type (ForwardingOptionType): Unknown (200)",
        "version (uint8): Unknown (0x0a)",
      ]);
    },
  },
  {
    name: "tshark joins the fragments of a message",
    needs: ["tshark"],
    run: async () => {
      const capture = fragmentCapture();
      const text = dissect(capture, ["-V"]);
      assertSound(text);
      ok(/fragment/i.test(text), "no fragment named");
      ok(codesIn(capture).has(messageCode.pingReq), "the joined message was not read");
    },
  },
];
