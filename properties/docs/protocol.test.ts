/**
 * The figures of docs/protocol.md and docs/protocol/ are drawn from the descriptions: VIPR_TABLES=write draws them anew.
 * A figure may name several messages; a block that a page has shown already is not shown on it again.
 */
import * as assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import {
  AppAttach,
  Attach,
  ChordLeaveData,
  ChordRouteQueryAns,
  ChordUpdate,
  ConfigUpdateReq,
  Destination,
  ErrorResponse,
  errorCode,
  FetchAns,
  FetchReq,
  FindAns,
  FindReq,
  ForwardingOption,
  FramedMessage,
  JoinAns,
  JoinReq,
  LeaveReq,
  messageCode,
  Packet,
  Payload,
  PingAns,
  PingReq,
  ProbeAns,
  ProbeReq,
  RouteQueryReq,
  StatAns,
  StoreAns,
  StoreReq,
} from "../../codecs/reload/mod.ts";
import { Ticket } from "../../codecs/ticket/mod.ts";
import { TlsServerSrpParams } from "../../codecs/tls/mod.ts";
import { PvpFrame } from "../../codecs/validation/mod.ts";
import { ServiceIdentity, VapAttribute, VapMessage } from "../../codecs/vap/mod.ts";
import { draw, present, type Wire } from "../../codecs/wire/mod.ts";
import { test } from "../kit/harness.ts";

const messages: Readonly<Record<string, Wire<any>>> = {
  AppAttach,
  Attach,
  ChordLeaveData,
  ChordRouteQueryAns,
  ChordUpdate,
  ConfigUpdateReq,
  Destination,
  ErrorResponse,
  FetchAns,
  FetchReq,
  FindAns,
  FindReq,
  ForwardingOption,
  FramedMessage,
  JoinAns,
  JoinReq,
  LeaveReq,
  Packet,
  Payload,
  PingAns,
  PingReq,
  ProbeAns,
  ProbeReq,
  PvpFrame,
  RouteQueryReq,
  ServiceIdentity,
  StatAns,
  StoreAns,
  StoreReq,
  Ticket,
  TlsServerSrpParams,
  VapAttribute,
  VapMessage,
};
/** The blocks of a page so far, by the name that each defines. */
type Seen = Map<string, string>;
/** The blocks of these messages that the page does not have yet. */
const presentNew = (wires: ReadonlyArray<Wire<any>>, seen: Seen, page: string): string => {
  const fresh: Array<string> = [];
  for (const block of wires.flatMap((wire) => present(wire).trimEnd().split("\n\n"))) {
    const name = /(\w+);$/.exec(block)![1]!;
    if (seen.has(name)) assert.equal(block, seen.get(name), `${page}: two blocks called ${name}`);
    else fresh.push(block);
    seen.set(name, block);
  }
  return `${fresh.join("\n\n")}\n`;
};

const docs = new URL("../../docs/", import.meta.url);
const pages = [
  "protocol.md",
  ...readdirSync(new URL("protocol/", docs))
    .sort()
    .map((name) => `protocol/${name}`),
];
/** `<!-- draw VapMessage -->` and the block that follows it. */
const FIGURE = /<!-- (draw|present) (\w+(?: \w+)*) -->\n```text\n[\s\S]*?```\n/g;

test("docs/protocol: every figure is what its description draws, and every message has one", () => {
  const shown = new Set<string>();
  for (const page of pages) {
    const file = new URL(page, docs);
    const text = readFileSync(file, "utf8");
    const seen: Seen = new Map();
    const drawn = text.replace(FIGURE, (_, how: string, names: string) => {
      const wires = names.split(" ").map((name) => {
        shown.add(name);
        assert.ok(messages[name] !== undefined, `${page}: no message ${name}`);
        return messages[name];
      });
      const figure = how === "draw" ? wires.map(draw).join("\n") : presentNew(wires, seen, page);
      return `<!-- ${how} ${names} -->\n\`\`\`text\n${figure}\`\`\`\n`;
    });
    if (process.env.VIPR_TABLES === "write") writeFileSync(file, drawn);
    else assert.equal(text, drawn, page);
  }
  assert.deepEqual([...shown].sort(), Object.keys(messages).sort());
});

/** The rows of a page's tables that begin with such a cell. */
const cellsOf = (page: string, form: RegExp): ReadonlyArray<string> =>
  readFileSync(new URL(page, docs), "utf8")
    .split("\n")
    .flatMap((line) => form.exec(line)?.slice(1) ?? []);

test("docs/protocol/overlay.md: every message and every error is listed with its number", () => {
  const numbers = cellsOf("protocol/overlay.md", /^\| 0x([0-9a-f]{2}), 0x([0-9a-f]{2}) \| /).map((hex) =>
    Number(`0x${hex}`),
  );
  const { error: _, ...codes } = messageCode;
  assert.deepEqual(numbers, Object.values(codes));
  const errors = cellsOf("protocol/overlay.md", /^\| 0x([0-9a-f]{2}) \| /).map((hex) => Number(`0x${hex}`));
  const { expA, expB, requestTimeout, ...known } = errorCode; // never sent by our nodes
  assert.deepEqual(errors, Object.values(known), `${expA} ${expB} ${requestTimeout}`);
});
