/** `vipr capture` as an operator runs it: a running company's messages in a file, without its secrets, until Ctrl-C. */
import { ok, deepStrictEqual as same } from "node:assert";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import { parseSip } from "../../codecs/sip/mod.ts";
import { VapMessage, valueIn } from "../../codecs/vap/mod.ts";
import { decode } from "../../codecs/wire/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { type ReadCapture, readPcapng } from "../kit/pcapng.ts";
import { freePort } from "../kit/ports.ts";
import { openPhone } from "../proxy/phone.ts";
import { PBX_HOST, TRUNK_HOST } from "./agent-config.ts";
import { POLITE_END, start, until, vipr, withFolder } from "./processes.ts";
import { startSmallCompany } from "./small-company.ts";
import { answeredCall } from "./trunk-call.ts";

const methodsIn = ({ packets }: ReadCapture, from: string): ReadonlySet<string> =>
  new Set(
    packets
      .filter((packet) => packet.from === from && packet.dissector === "vipr.vap")
      .map(({ message }) => {
        const read = decode(VapMessage, message);
        ok(read.ok);
        ok(valueIn(read.value, "messageIntegrity")!.every((byte) => byte === 0));
        return `${read.value.type.method} ${read.value.type.class}`;
      }),
  );

const story = Effect.fn("test.capture")(function* (folder: string) {
  const [pbx, trunk] = [yield* openPhone(PBX_HOST), yield* openPhone(TRUNK_HOST)];
  const agent = yield* Effect.promise(freePort);
  const company = yield* Effect.promise(() =>
    startSmallCompany(folder, {
      listen: `udp:127.0.0.1:${agent}`,
      pbx: `${PBX_HOST}:${pbx.port}`,
      trunk: `${TRUNK_HOST}:${trunk.port}`,
    }),
  );
  const file = join(folder, "calls.pcapng");
  const capture = start(["capture", "-w", file, "--config", "vipr.toml", "--json"], "", undefined, folder);
  const only = start(["capture", "--data", "company/agent", "--only", "vap", "--seconds", "60"], "", undefined, folder);
  const begun = (count: number, err: () => string) =>
    until(async () => (err().split("captured from now on").length > count ? true : undefined), "captures have begun");
  yield* Effect.promise(() => Promise.all([begun(2, capture.err), begun(1, only.err)]));

  const to = { host: "127.0.0.1", port: agent };
  const hangUp = yield* answeredCall({ pbx, trunk, to, name: "capture" });
  yield* hangUp(to);
  const read = yield* Effect.promise(() =>
    until(async () => {
      if (!existsSync(file)) return undefined;
      const found = readPcapng(readFileSync(file));
      return methodsIn(found, "server").has("uploadVcr success") && methodsIn(found, "agent").has("uploadVcr success")
        ? found
        : undefined;
    }, "the call's record is captured on its way from agent to server"),
  );
  same([read.interfaces, read.ends], [["server", "agent"], []]);
  const full = yield* Effect.promise(() =>
    vipr(["capture", "--data", "company/agent", "-w", "/dev/full"], "", undefined, folder),
  );
  same([full.code, /\/dev\/full: the disk is full/.test(full.err)], [8, true], full.err);
  const codes = yield* Effect.promise(() => Promise.all([capture.kill("SIGINT"), only.kill("SIGINT")]));
  same(codes, [POLITE_END, POLITE_END], capture.err() + only.err());

  const bytes = readFileSync(file);
  const { packets, ends } = readPcapng(bytes);
  const sip = packets.filter(({ dissector }) => dissector === "sip");
  const vap = packets.filter(({ dissector }) => dissector === "vipr.vap");
  const starts = sip.map(({ message }) => {
    const parsed = parseSip(message);
    ok(parsed.ok);
    return parsed.value.type === "request" ? parsed.value.method : parsed.value.status;
  });
  for (const one of ["INVITE", 200, "ACK", "BYE"]) ok(starts.includes(one), `${one} in ${starts}`);
  same(/\d{7,}/.test(new TextDecoder().decode(sip[0]!.message).split("\r\n", 1)[0]!), false);
  ok(!new TextDecoder().decode(bytes).includes("+14085550201"), "a whole number");
  const summary = JSON.parse(capture.out());
  same(summary, { file, messages: packets.length, byProtocol: summary.byProtocol, leftOut: 0 });
  same(summary.byProtocol, { ...(vap.length > 0 ? { vap: vap.length } : {}), sip: sip.length });
  same(
    ends.reduce((sum, [received]) => sum + received, 0),
    packets.length,
  );
  ok(/^[1-9]\d* messages: vap \d+; 0 left out$/m.test(only.err()), only.err());
  yield* Effect.promise(company.stop);
  const nobody = yield* Effect.promise(() => vipr(["capture", "--data", "company/agent"], "", undefined, folder));
  same([nobody.code, nobody.out], [3, ""], nobody.err);
});

test("vipr capture: a call and its record as SIP and VAP, numbers and seals left out; Ctrl-C ends the file whole", () =>
  withFolder((folder) => Effect.runPromise(Effect.scoped(Effect.provide(story(folder), nodeLayer())) as never)));
