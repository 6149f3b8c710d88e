/**
 * docs/tutorial.md as a newcomer follows it: its file, its five commands in their order, and a call of the PBX through what
 * stands then. Ports are replaced by free ones, `vipr` by this tree's under the runtime at hand; nothing else.
 */
import { deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { commandsIn, linesOf, shown } from "../kit/shown.ts";
import { openPhone } from "../proxy/phone.ts";
import { PBX_HOST, TRUNK_HOST } from "./agent-config.ts";
import { POLITE_END, type Running, start, until, vipr, withFolder } from "./processes.ts";
import { answeredCall } from "./trunk-call.ts";

const FILES = shown("docs/tutorial.md", "A company behind ViPR, in five commands", "toml");
const [, ...BLOCKS] = shown("docs/tutorial.md", "A company behind ViPR, in five commands");

const PAGE = [...FILES, ...BLOCKS].join("\n");

/** The page's text with a free port for each of its own; those of the PBX and the trunk are given. */
const withPorts = async (pbx: number, trunk: number) => {
  const ports = new Map<string, number>();
  for (const [, host, port] of PAGE.matchAll(/(127\.0\.0\.1):(\d{4})\b/g))
    ports.set(`${host}:${port}`, ports.get(`${host}:${port}`) ?? (await freePort()));
  const replaced = (text: string) =>
    text
      .replace(/127\.0\.0\.1:\d{4}\b/g, (at) => `127.0.0.1:${ports.get(at)}`)
      .replace("127.0.0.2:5060", `127.0.0.2:${pbx}`)
      .replace("port = 5060", `port = ${trunk}`);
  return { replaced, agent: ports.get("127.0.0.1:5060")! };
};

/** What stands beside the page: ports that it leaves to their defaults, and private addresses for media. */
const UNSAID = async () =>
  [
    `server.vap=127.0.0.1:${await freePort()}`,
    `border.inside=tcp:127.0.0.1:${await freePort()}`,
    `border.call-agents=tcp:127.0.0.1:${await freePort()}`,
  ].flatMap((setting) => ["--set", setting]);

const story = Effect.fn("test.tutorial")(function* (folder: string) {
  const [pbx, trunk] = [yield* openPhone(PBX_HOST), yield* openPhone(TRUNK_HOST)];
  const { replaced, agent } = yield* Effect.promise(() => withPorts(pbx.port, trunk.port));
  const [file, ...more] = FILES;
  same(more, []);
  writeFileSync(join(folder, "vipr.toml"), replaced(file!));
  writeFileSync(join(folder, "account"), "a word of one's own\n", { mode: 0o600 });
  const commands = BLOCKS.map(replaced);
  const looks = linesOf(commands.pop()!).flatMap(commandsIn);
  same([commands.length, looks.map(([, name]) => name)], [5, ["calls", "explain"]]);
  const running: Array<Running> = [];
  for (const line of commands) {
    const [program, ...words] = line.replace(/ &$/, "").split(" ");
    if (program !== "vipr") {
      const { status, stderr } = spawnSync(program!, words, { cwd: folder });
      same(status, 0, String(stderr));
      continue;
    }
    if (!line.endsWith(" &")) {
      const { code, err } = yield* Effect.promise(() => vipr(words, "", undefined, folder));
      same(code, 0, `${line}: ${err}`);
      continue;
    }
    const unsaid = words[0] === "company" ? yield* Effect.promise(UNSAID) : [];
    const one = start([...words, ...unsaid], "", undefined, folder);
    yield* Effect.promise(() => one.said(words[0] === "company" ? /^ready$/m : /^enrolment /m));
    running.push(one);
  }

  const to = { host: "127.0.0.1", port: agent };
  const hangUp = yield* answeredCall({ pbx, trunk, to, name: "tutorial" });
  const { code, out: calls } = yield* Effect.promise(() => vipr(looks[0]!.slice(1), "", undefined, folder));
  same(
    [code, /^agent: 1 call under way/m.test(calls), /^border: 0 calls under way/m.test(calls)],
    [0, true, true],
    calls,
  );
  yield* hangUp(to);
  yield* Effect.promise(() =>
    until(async () => {
      const told = await vipr(looks[1]!.slice(1), "", undefined, folder);
      return told.code === 0 && /put to the proof|due|waits/i.test(told.out) ? told : undefined;
    }, "explain says when the call is put to the proof"),
  );
  for (const one of running.reverse()) same(yield* Effect.promise(() => one.kill("SIGTERM")), POLITE_END, one.err());
});

test("tutorial: its five commands lead from nothing to a PBX behind a company's programs", () =>
  withFolder((folder) => Effect.runPromise(Effect.scoped(Effect.provide(story(folder), nodeLayer())) as never)));
