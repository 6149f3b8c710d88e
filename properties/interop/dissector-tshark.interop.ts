/**
 * Wireshark reads our messages by `vipr dissector` as we read them ourselves: every field at its place with its value, the same
 * fault in what is damaged, whole messages out of segments cut anywhere, under TLS, and tickets in SIP. And it reads what `vipr capture` writes.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect } from "effect";
import fc from "fast-check";
import { captureBegin, captureInterface, capturePacket, exportedPdu } from "../../codecs/capture/mod.ts";
import { type Dissected, dissectedOf, dissectorOf, dissectorOfOne } from "../../codecs/dissector/mod.ts";
import { base64Of, concat, hexOf, utf8 } from "../../codecs/shared/mod.ts";
import { TICKET_HEADER } from "../../codecs/sip/mod.ts";
import { Ticket } from "../../codecs/ticket/mod.ts";
import { PvpFrame, writeRequest } from "../../codecs/validation/mod.ts";
import { errorAttribute, ourVersion, protect, VapMessage, vapKey } from "../../codecs/vap/mod.ts";
import { decodeFirst, encode, type Wire, wireErrorText } from "../../codecs/wire/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { PBX_HOST, TRUNK_HOST } from "../cli/agent-config.ts";
import { start, until, withFolder } from "../cli/processes.ts";
import { startSmallCompany } from "../cli/small-company.ts";
import { answeredCall } from "../cli/trunk-call.ts";
import { arbitraryOf, boundariesOf } from "../kit/arbitrary.ts";
import { type Piece, tcpCapture } from "../kit/pcap.ts";
import { readPcapng } from "../kit/pcapng.ts";
import { freePort } from "../kit/ports.ts";
import { openPhone } from "../proxy/phone.ts";
import * as shapes from "../wire/shapes.ts";
import { pdmlOf, type ShownField, type ShownProtocol, shownFields } from "./dissected-fields.ts";
import { recordedTls } from "./recorded-tls.ts";
import type { InteropCheck } from "./run.ts";

const PORTS = { vap: 5_620, pvp: 5_621 };
const OURS = dissectedOf(PORTS);
const WHOLE = dissectorOf("test", PORTS);
const SEED = 20_261_201;

/** tshark's PDML of a capture, by a dissector; the file of the capture and what else is wanted are in a folder of their own. */
const tshark = (
  script: string,
  capture: Uint8Array,
  words: ReadonlyArray<string>,
  files: Readonly<Record<string, string>> = {},
): string => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-"));
  try {
    const all = { "vipr.lua": script, ...files };
    for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, "capture"), capture);
    const options = ["-r", "capture", "-X", "lua_script:vipr.lua", ...words];
    const { stdout, stderr, status } = spawnSync("tshark", options, {
      cwd: folder,
      encoding: "utf8",
      maxBuffer: 512 * 1_048_576,
    });
    ok(status === 0, stderr);
    const complaints = `${stderr}\n${stdout}`.match(/^.*lua.*error.*$/gim) ?? [];
    same(complaints, []);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const HERE = { host: "10.0.0.1", port: 40_000 };
const THERE = { host: "2001:db8::2", port: 5_620 };
const exported = (dissector: string, messages: ReadonlyArray<Uint8Array>): Uint8Array =>
  concat(
    captureBegin("vipr"),
    captureInterface("test"),
    ...messages.map((message, i) =>
      capturePacket(
        0,
        1_300_000_000_000 + i,
        exportedPdu({ dissector, from: HERE, to: THERE, transport: "tcp", message }),
      ),
    ),
  );

const pdml = (script: string, capture: Uint8Array, words: ReadonlyArray<string> = [], files = {}): string =>
  tshark(script, capture, ["-T", "pdml", ...words], files);

/** Of a field that is shown, what our decoder has a word to say of. */
const alike = (field: ShownField, { number, bytes }: Partial<ShownField> = {}): ShownField => ({
  ...field,
  number: number === undefined ? undefined : field.number,
  bytes: bytes === undefined ? undefined : field.bytes,
});

const assertShown = (
  { name, wire }: Pick<Dissected, "name" | "wire">,
  bytes: Uint8Array,
  shown: ShownProtocol,
): void => {
  const wanted = shownFields(wire, bytes, name);
  same(shown.faults, []);
  same(
    shown.fields.map((field, i) => alike(field, wanted[i])),
    wanted.map((field) => alike(field, field)),
  );
};

const SAMPLES = 40;
const samplesOf = (wire: Wire<unknown>): ReadonlyArray<Uint8Array> =>
  [arbitraryOf(wire), boundariesOf(wire)].flatMap((values) =>
    fc
      .sample(values, { numRuns: SAMPLES, seed: SEED })
      .map((value) => encode(wire, value))
      .filter((bytes) => bytes.length > 0 && bytes.length < 60_000),
  );

/** Each of them read, and what it says of damage: cut short, or with a byte that is another. */
const readBoth = (script: string, of: Pick<Dissected, "name" | "wire">): { fields: number; faults: number } => {
  const messages = samplesOf(of.wire);
  const packets = pdmlOf(pdml(script, exported(of.name, messages)), of.name);
  same(packets.length, messages.length);
  for (const [i, bytes] of messages.entries()) assertShown(of, bytes, packets[i]![0]!);
  const damaged = messages.filter(({ length }) => length < 4_000).flatMap(damagedOf);
  const seen = pdmlOf(pdml(script, exported(of.name, damaged)), of.name);
  const faults = damaged.map((bytes) => faultsIn(of.wire, bytes));
  for (const [i, wanted] of faults.entries())
    same(
      seen[i]!.flatMap(({ faults }) => faults),
      wanted,
      hexOf(damaged[i]!),
    );
  return { fields: packets.flat().flatMap(({ fields }) => fields).length, faults: faults.flat().length };
};

const damagedOf = (bytes: Uint8Array, i: number): ReadonlyArray<Uint8Array> => {
  const cut = bytes.slice(0, Math.max(1, (i * 7) % bytes.length));
  const flipped = bytes.slice();
  flipped[(i * 5) % bytes.length]! ^= 1 << (i % 8);
  return [cut, flipped];
};

/** One message after the other, as a dissector reads them; the first fault ends it. */
const faultsIn = (wire: Wire<unknown>, bytes: Uint8Array): ReadonlyArray<string> => {
  for (let at = 0; at < bytes.length; ) {
    const first = decodeFirst(wire, bytes, at);
    if (!first.ok) return [wireErrorText(first.error)];
    at += first.size;
  }
  return [];
};

const KEY = { username: "alice", key: vapKey("alice", "secret") };
const transaction = (i: number): Uint8Array => new Uint8Array(12).fill(i);
const REAL: ReadonlyArray<Uint8Array> = [
  protect(
    { method: "register", class: "request", attributes: [{ type: "clientName", value: "PBX" }, ourVersion] },
    transaction(1),
    KEY,
  ),
  protect(
    { method: "register", class: "error", attributes: [errorAttribute("unsupportedProtocolVersion"), ourVersion] },
    transaction(1),
    KEY,
  ),
  protect(
    {
      method: "notify",
      class: "request",
      attributes: [{ type: "serviceContent", value: utf8("<valinfo><number>+14085550100</number></valinfo>") }],
    },
    transaction(2),
    KEY,
  ),
];

/** Everything in one stream, cut into pieces of these lengths, over and over. */
const pieces = (all: Uint8Array, lengths: ReadonlyArray<number>): ReadonlyArray<Piece> => {
  const out: Array<Piece> = [];
  for (let at = 0, i = 0; at < all.length; i++) {
    const to = Math.min(all.length, at + lengths[i % lengths.length]!);
    out.push({ out: true, data: all.slice(at, to) });
    at = to;
  }
  return out;
};

const MESSAGES = [
  ...REAL,
  ...samplesOf(VapMessage)
    .filter(({ length }) => length < 3_000)
    .slice(0, 40),
];
const protocolsIn = (capture: Uint8Array, words: ReadonlyArray<string> = [], files = {}) =>
  pdmlOf(pdml(WHOLE, capture, words, files), "vipr.").flat();

const assertAll = (found: ReadonlyArray<ShownProtocol>, messages: ReadonlyArray<Uint8Array> = MESSAGES): void => {
  same(found.length, messages.length);
  for (const [i, bytes] of messages.entries()) assertShown(OURS.vap, bytes, found[i]!);
};

const shapesRead = { fields: 0, faults: 0 };

export const checks: ReadonlyArray<InteropCheck> = [
  ...Object.values(OURS).map((of) => ({
    name: `tshark reads ${of.name} as we do, whole and damaged`,
    needs: ["tshark"],
    run: async () => void readBoth(WHOLE, of),
  })),
  {
    name: "tshark reads every shape of a description as we do, whole and damaged",
    needs: ["tshark"],
    run: async () => {
      for (const [name, wire] of Object.entries(shapes).filter(([, { node }]) => node.kind === "struct")) {
        if (wire === shapes.Stored) continue; // its arm is chosen by a function
        const of = {
          name: `shape.${name.toLowerCase()}`,
          title: `shape ${name}`,
          short: name,
          wire,
          info: [],
          over: [],
        };
        const { fields, faults } = readBoth(dissectorOfOne(of), of);
        shapesRead.fields += fields;
        shapesRead.faults += faults;
      }
      ok(shapesRead.fields > 1_000 && shapesRead.faults > 100, JSON.stringify(shapesRead));
    },
  },
  {
    name: "tshark joins VAP that was cut anywhere, by port, by its beginning and by Decode As",
    needs: ["tshark"],
    run: async () => {
      const all = concat(...MESSAGES);
      for (const lengths of [[1], [3, 700, 19], [1_400]])
        assertAll(protocolsIn(tcpCapture([pieces(all, lengths)], PORTS.vap)));
      assertAll(protocolsIn(tcpCapture([pieces(all, [1_400])], 7_777)));
      assertAll(protocolsIn(tcpCapture([pieces(all, [50])], 7_777), ["-d", "tcp.port==7777,vipr.vap"]));
      assertAll(protocolsIn(tcpCapture([pieces(all, [50])], 7_777), ["-o", "vipr.vap.tcp_ports:7000-7800"]));
    },
  },
  {
    name: "tshark shows what a VAP message is in its columns",
    needs: ["tshark"],
    run: async () => {
      const text = tshark(WHOLE, exported("vipr.vap", REAL), [
        "-T",
        "fields",
        "-e",
        "_ws.col.Protocol",
        "-e",
        "_ws.col.Info",
      ]);
      same(
        text
          .trimEnd()
          .split("\n")
          .map((line) => line.trim()),
        ["VAP\tregister request", "VAP\tregister error Unsupported Protocol Version", "VAP\tnotify request"],
      );
    },
  },
  {
    name: "tshark reads VAP and the exchange of PVP under TLS",
    needs: ["tshark"],
    run: async () => {
      const { pieces: sent, keys } = await recordedTls(concat(...MESSAGES));
      const files = { keys };
      const words = ["-o", "tls.keylog_file:keys"];
      assertAll(protocolsIn(tcpCapture([sent], PORTS.vap), words, files));
      assertAll(protocolsIn(tcpCapture([sent], 7_777), words, files));
      assertAll(protocolsIn(tcpCapture([sent], 7_777), [...words, "-d", "tls.port==7777,vipr.vap"], files));
      const frame = encode(PvpFrame, {
        document: writeRequest({ number: "+14085550100" as never, domain: "a.example" }),
      });
      const exchange = await recordedTls(frame);
      const [shown, ...more] = protocolsIn(tcpCapture([exchange.pieces], PORTS.pvp), words, { keys: exchange.keys });
      same(more, []);
      assertShown(OURS.pvp, frame, shown!);
    },
  },
  {
    name: "tshark reads the ticket in SIP's header field",
    needs: ["tshark"],
    run: async () => {
      const tickets = samplesOf(Ticket).filter(({ length }) => length < 700);
      const bad = ["", "AAA", "AB==", "!AAA", base64Of(Uint8Array.of(1, 0, 1))];
      const texts = [...tickets.map(base64Of), ...bad];
      const messages = texts.map((ticket) =>
        utf8(
          `INVITE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/TCP a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\nTo: <sip:bob@b.example>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n${TICKET_HEADER}: ${ticket}\r\nContent-Length: 0\r\n\r\n`,
        ),
      );
      const packets = pdmlOf(pdml(WHOLE, exported("sip", messages)), "vipr.ticket");
      same(packets.length, messages.length);
      for (const [i, bytes] of tickets.entries()) assertShown(OURS.ticket, bytes, packets[i]![0]!);
      same(
        packets.slice(tickets.length).map((protocols) => protocols.flatMap(({ faults }) => faults)),
        [...["", "", "", ""].map(() => ["Ticket: not base64"]), faultsIn(Ticket, Uint8Array.of(1, 0, 1))],
      );
    },
  },
  {
    name: "tshark reads what vipr capture writes of a running company",
    needs: ["tshark"],
    run: () =>
      withFolder((folder) =>
        Effect.runPromise(Effect.provide(Effect.scoped(capturedCompany(folder)), nodeLayer()) as Effect.Effect<void>),
      ),
  },
];

/** A call through the company's call agent, and its record's way to the server. */
const capturedCompany = Effect.fn("test.capturedCompany")(function* (folder: string) {
  const [pbx, trunk] = [yield* openPhone(PBX_HOST), yield* openPhone(TRUNK_HOST)];
  const agent = yield* Effect.promise(freePort);
  const answers = {
    listen: `udp:127.0.0.1:${agent}`,
    pbx: `${PBX_HOST}:${pbx.port}`,
    trunk: `${TRUNK_HOST}:${trunk.port}`,
  };
  const company = yield* Effect.promise(() => startSmallCompany(folder, answers));
  const file = join(folder, "calls.pcapng");
  const capture = start(["capture", "-w", file, "--config", "vipr.toml"], "", undefined, folder);
  const begun = async () => (capture.err().split("captured from now on").length > 2 ? true : undefined);
  yield* Effect.promise(() => until(begun, "the capture has begun"));
  const to = { host: "127.0.0.1", port: agent };
  yield* (yield* answeredCall({ pbx, trunk, to, name: "captured" }))(to);
  const uploaded = async () =>
    readPcapng(readFileSync(file)).packets.filter(({ dissector }) => dissector === "vipr.vap").length >= 4 || undefined;
  yield* Effect.promise(() => until(uploaded, "the record's request and answer at both ends"));
  same(yield* Effect.promise(() => capture.kill("SIGINT")), 0);
  yield* Effect.promise(company.stop);
  const fields = ["frame.interface_name", "_ws.col.Protocol", "ip.src", "ip.dst", "_ws.col.Info"];
  const shown = tshark(WHOLE, readFileSync(file), ["-T", "fields", ...fields.flatMap((one) => ["-e", one])]);
  const lines = shown
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t").map((word) => word.trim()));
  const has = (name: string, protocol: string, info: RegExp) =>
    ok(
      lines.some(([from, shownAs, , , words = ""]) => from === name && shownAs === protocol && info.test(words)),
      `${name} ${protocol} ${info} in\n${shown}`,
    );
  for (const name of ["agent", "server"])
    for (const info of [/^uploadVcr request/, /^uploadVcr success/]) has(name, "VAP", info);
  has("agent", "SIP/SDP", /^Request: INVITE sip:/);
  for (const info of [/^Status: 200/, /^Request: ACK sip:/, /^Request: BYE sip:/]) has("agent", "SIP", info);
  ok(lines.some(([, protocol, source]) => protocol === "SIP" && source === PBX_HOST));
  const faults = tshark(WHOLE, readFileSync(file), [
    "-Y",
    "_ws.malformed || vipr.vap.malformed || vipr.ticket.malformed",
  ]);
  same(faults, "");
});
