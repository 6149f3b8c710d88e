/** The log: one line an event, as text or JSON, levels by room, numbers masked unless the operator says otherwise. */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { exitCode } from "../../runtime/cli/exit.ts";
import { logOf } from "../../runtime/cli/log-options.ts";
import { serverCommand } from "../../runtime/cli/server.ts";
import { test } from "../kit/harness.ts";
import { oneServer } from "./one-server.ts";
import { POLITE_END, vipr, withFolder } from "./processes.ts";

const NUMBER = "+498912345678";
/** What a program of such a log writes: it runs by itself, since the log goes to standard error. */
const written = (root: string, settings: object): ReadonlyArray<string> => {
  const file = join(root, "program.mjs");
  writeFileSync(
    file,
    `import { Effect, Cause } from ${JSON.stringify(import.meta.resolve("effect"))};
const { logLayer, shownNumber, LOG_DEFAULT } = await import(${JSON.stringify(new URL("../../runtime/cli/log.ts", import.meta.url).href)});
const program = Effect.gen(function* () {
  yield* Effect.logDebug("vap.detail", "a");
  yield* Effect.logInfo("vap.registered", "pbx", { address: "192.0.2.1" });
  yield* Effect.logInfo("sip.garbage", "x");
  yield* Effect.logWarning("sip.slowPeer", "two\\nlines\\u001b[2J", { level: "mine", size: 12n });
  yield* Effect.logInfo("vipr.learned", yield* shownNumber(${JSON.stringify(NUMBER)}));
  yield* Effect.logError("admin.died", Cause.fail(new Error("broken")));
});
await Effect.runPromise(Effect.provide(program, logLayer({ ...LOG_DEFAULT, ...${JSON.stringify(settings)} })));
`,
  );
  const own = "Deno" in globalThis ? ["run", "-A", "--config", "deno.json"] : [];
  const { status, stderr } = spawnSync(process.execPath, [...own, file], { encoding: "utf8" });
  same(status, 0, stderr);
  return stderr.trimEnd().split("\n");
};

const eventsOf = (lines: ReadonlyArray<string>) => lines.map((line) => line.split(" ").slice(1, 3).join(" "));

test("log: a line an event, at the level of its room", () =>
  withFolder(async (root) => {
    const text = written(root, {});
    same(eventsOf(text), [
      ...["INFO vap.registered", "INFO sip.garbage", "WARN sip.slowPeer"],
      ...["INFO vipr.learned", "ERROR admin.died"],
    ]);
    ok(/^\d{4}-\d\d-\d\dT[\d:.]+Z INFO vap\.registered pbx \{"address":"192\.0\.2\.1"\}$/.test(text[0]!), text[0]);
    ok(text[2]!.includes("two | lines\\u001b[2J"), text[2]);
    ok(!text.join("").includes(NUMBER) && text[3]!.includes("78"), text[3]);
    same(eventsOf(written(root, { level: "warn", levels: { vap: "debug", sip: "error" } })), [
      ...["DEBUG vap.detail", "INFO vap.registered", "ERROR admin.died"],
    ]);
  }));

test("log: as JSON each line is an object with time, level and event; numbers whole if asked", () =>
  withFolder(async (root) => {
    const lines = written(root, { format: "json", numbers: "whole", level: "debug" }).map((line) => JSON.parse(line));
    same(
      lines.map(({ level, event }) => `${level} ${event}`),
      [
        ...["DEBUG vap.detail", "INFO vap.registered", "INFO sip.garbage", "WARN sip.slowPeer"],
        ...["INFO vipr.learned", "ERROR admin.died"],
      ],
    );
    const { at, ...registered } = lines[1];
    ok(Number.isFinite(Date.parse(at)), at);
    same(registered, { level: "INFO", event: "vap.registered", text: "pbx", address: "192.0.2.1" });
    const { at: _, ...slow } = lines[3];
    same(slow, { level: "WARN", event: "sip.slowPeer", text: "two\nlines\u001b[2J", size: "c" });
    same(lines[4].text, NUMBER);
    ok(lines[5].text.includes("broken"), lines[5].text);
  }));

test("log: [log] of the file holds, --log and --verbose stand over it, and what is neither is refused", () =>
  withFolder(async (root) => {
    const file = { format: "json", level: "warn", levels: { vap: "debug" }, numbers: "whole" } as const;
    same(logOf({}, file), file);
    same(logOf({ log: "text", verbose: true }, file), { ...file, format: "text", level: "debug", levels: {} });
    same(await serverCommand(["--data", join(root, "none"), "--log", "xml"]), exitCode.usage);

    const { config, serve, write } = await oneServer(root);
    write("", '[log]\nformat = "json"\nlevels = { reload = "error" }');
    const server = await serve();
    same(await server.kill("SIGTERM"), POLITE_END);
    const lines = server.err().trimEnd().split("\n");
    const read = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    ok(read.length === lines.length && read.length > 0, server.err());
    ok(!read.some(({ event, level }) => event?.startsWith("reload.") && level === "INFO"), server.err());
    write("", '[log]\nlevels = { vap = "loud" }');
    const wrong = await vipr(["server", "--config", config]);
    same([wrong.code, /log\.levels\.vap: wants one of "debug"/.test(wrong.err)], [exitCode.usage, true], wrong.err);
  }));
