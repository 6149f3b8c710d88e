/** The figures of docs/protocol.md and docs/protocol/ are drawn from the descriptions: VIPR_TABLES=write draws them anew. */
import * as assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { FramedMessage, Packet, StoreReq } from "../../codecs/reload/mod.ts";
import { Ticket } from "../../codecs/ticket/mod.ts";
import { TlsServerSrpParams } from "../../codecs/tls/mod.ts";
import { PvpFrame } from "../../codecs/validation/mod.ts";
import { ServiceIdentity, VapAttribute, VapMessage } from "../../codecs/vap/mod.ts";
import { draw, present, type Wire } from "../../codecs/wire/mod.ts";
import { test } from "../kit/harness.ts";

const messages: Readonly<Record<string, Wire<any>>> = {
  FramedMessage,
  Packet,
  PvpFrame,
  ServiceIdentity,
  StoreReq,
  Ticket,
  TlsServerSrpParams,
  VapAttribute,
  VapMessage,
};
const pens: Readonly<Record<string, (wire: Wire<any>) => string>> = { draw, present };

const docs = new URL("../../docs/", import.meta.url);
const pages = [
  "protocol.md",
  ...readdirSync(new URL("protocol/", docs))
    .sort()
    .map((name) => `protocol/${name}`),
];
/** `<!-- draw VapMessage -->` and the block that follows it. */
const FIGURE = /<!-- (draw|present) (\w+) -->\n```text\n[\s\S]*?```\n/g;

test("docs/protocol: every figure is what its description draws, and every message has one", () => {
  const shown = new Set<string>();
  for (const page of pages) {
    const file = new URL(page, docs);
    const text = readFileSync(file, "utf8");
    const drawn = text.replace(FIGURE, (_, pen: string, name: string) => {
      const wire = messages[name];
      assert.ok(wire !== undefined, `${page}: no message ${name}`);
      shown.add(name);
      return `<!-- ${pen} ${name} -->\n\`\`\`text\n${pens[pen]!(wire)}\`\`\`\n`;
    });
    if (process.env.VIPR_TABLES === "write") writeFileSync(file, drawn);
    else assert.equal(text, drawn, page);
  }
  assert.deepEqual([...shown].sort(), Object.keys(messages).sort());
});
