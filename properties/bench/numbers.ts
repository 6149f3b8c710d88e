/**
 * What a domain of many numbers takes: one call agent publishes them at a `vipr server` with SQLite, each a process; the overlay is
 * that server alone, or it and others that store copies. Then the clock of all is put forward (Debian's faketime): so far that the
 * call agent publishes all of them again and little of their life is left, so that the server stores them again; and as far once more,
 * when it finds that the overlay has them long enough.
 *
 *   npm run numbers -- [--count N] [--others N] [--stores PER_SECOND] [--json]
 *
 * The last line is one JSON object: for `publish`, `refresh` and `asked` (published again, and nothing to store) the seconds, the
 * processor's seconds of server and call agent, and their resident memory in MB, at the end and at most; the server's disk in MB.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { Effect, Layer, Logger } from "effect";
import { connectVap } from "../../actors/vap/mod.ts";
import { e164FromDigits, vserviceId } from "../../codecs/shared/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { DOMAIN, HOST, JOINED, oneServer, WORDS } from "../cli/one-server.ts";
import { start, withFolder } from "../cli/processes.ts";
import { diskMb, othersIn, residentMb } from "./curves/costs.ts";
import { cpuOf } from "./process-time.ts";

const FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
/**
 * An entry lives for seven days, and an agent publishes it again after 60 to 67 % of them. By the first of these times it has, and so
 * little is left that the server stores it at once; by the second it has again, and there is time.
 */
const FORWARD_S = { refresh: 6.8 * 86_400, asked: 11.5 * 86_400 } as const;
const LOOK_MS = 2_000;
/** A server that has used less of the processor between two looks has nothing to store. */
const AT_REST_SHARE = 0.05;
const LOOKS_AT_REST = 3;
const STEP = 10_000;

const stop = (why: string): never => {
  console.error(`numbers: ${why}`);
  return process.exit(2);
};
const { values } = (() => {
  const options = {
    count: { type: "string", default: "10000" },
    others: { type: "string", default: "0" },
    stores: { type: "string", default: "1000" },
    json: { type: "boolean", default: false },
  } as const;
  try {
    return parseArgs({ args: process.argv.slice(2), options });
  } catch (error) {
    return stop((error as Error).message);
  }
})();
const [count, others, stores] = [values.count, values.others, values.stores].map(Number) as [number, number, number];
if (!(count > 0 && others >= 0 && stores > 0))
  stop("--count and --stores want numbers above 0, --others one of 0 or more");
if (!existsSync(FAKETIME)) stop("faketime is not installed: .ci/setup");

interface Part {
  readonly seconds: number;
  readonly serverCpuS: number;
  readonly agentCpuS: number;
  readonly overlayCpuS: number;
  readonly serverMb: number;
  readonly serverMbMost: number;
  readonly agentMb: number;
  readonly serverDiskMb: number;
}
const say = (text: string): void => {
  if (!values.json) console.error(text);
};
/** A clock that is put forward is seen within a second. */
const untilAtRest = async (pids: ReadonlyArray<number>): Promise<void> => {
  let [atRest, before] = [0, cpuOf(pids)];
  while (atRest < LOOKS_AT_REST) {
    await sleep(LOOK_MS);
    const now = cpuOf(pids);
    atRest = now - before < (AT_REST_SHARE * LOOK_MS) / 1_000 ? atRest + 1 : 0;
    before = now;
  }
};
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** By the kernel: our own clocks are put forward. */
const upS = (): number => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);

/** All processes have the same clock: this one too, which is the call agent. */
const clock = process.env.FAKETIME_TIMESTAMP_FILE;
if (clock === undefined) {
  const folder = mkdtempSync(join(tmpdir(), "vipr-numbers-"));
  const file = join(folder, "clock");
  writeFileSync(file, "+0\n");
  const env = { ...process.env, LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_CACHE_DURATION: "1" };
  const { status } = spawnSync(process.execPath, process.argv.slice(1), { stdio: "inherit", env });
  rmSync(folder, { recursive: true, force: true });
  process.exit(status ?? 1);
}

await withFolder(async (root) => {
  const limits = ["--stores", `${stores}`, "--quota", `${2 * count + 1_000}`];
  const server = await oneServer(root, limits);
  const names = Array.from({ length: others }, (_, i) => `other-${i}`);
  const words = ["server", "--config", server.config, "--vap", `${HOST}:${server.ports.vap}`];
  const company = start(words);
  await company.said(JOINED);
  const members = await othersIn(server, root, names);

  const [own, all] = [[company.pid!], [company, ...members].map(({ pid }) => pid!)];
  const measuring = () => {
    const [startS, cpuS, allS, agentS] = [upS(), cpuOf(own), cpuOf(all), cpuOf([process.pid])];
    let serverMbMost = 0;
    const timer = setInterval(() => {
      serverMbMost = Math.max(serverMbMost, residentMb(own[0]!));
    }, LOOK_MS);
    return (): Part => {
      clearInterval(timer);
      return {
        seconds: upS() - startS,
        serverCpuS: cpuOf(own) - cpuS,
        agentCpuS: cpuOf([process.pid]) - agentS,
        overlayCpuS: cpuOf(all) - allS,
        serverMb: residentMb(own[0]!),
        serverMbMost,
        agentMb: residentMb(process.pid),
        serverDiskMb: diskMb(server.at("acme")),
      };
    };
  };

  const publishing = measuring();
  let publish: Part | undefined;
  const again: { refresh?: Part; asked?: Part } = {};
  const session = Effect.gen(function* () {
    const at = { host: HOST, port: server.ports.vap, username: "pbx", password: WORDS.pbx };
    const client = yield* connectVap({ ...at, name: "numbers/1.0", vservice: vserviceId(1n) });
    const routes = [{ sipUris: [`sip:x@${DOMAIN}`] }];
    yield* client.publishVService({ id: "x", dhtName: "vipr.test", didCount: count, domain: DOMAIN, routes });
    for (let from = 0; from < count; from += STEP) {
      const some = Array.from({ length: Math.min(STEP, count - from) }, (_, i) =>
        e164FromDigits(4_930_000_000_000 + from + i),
      );
      const failed = (yield* client.publishNumbers(some)).find(({ result }) => result.type !== "done");
      if (failed !== undefined) throw new Error(`a number was not published: ${JSON.stringify(failed.result)}`);
      say(`${from + some.length} of ${count} published, server ${Math.round(residentMb(own[0]!))} MB`);
    }
    publish = publishing();
    say(`published: ${JSON.stringify(publish)}`);
    for (const what of ["refresh", "asked"] as const) {
      const measured = measuring();
      writeFileSync(clock, `+${FORWARD_S[what]}\n`);
      yield* Effect.promise(() => untilAtRest(own));
      again[what] = measured();
      say(`${what}: ${JSON.stringify(again[what])}`);
    }
  });
  await Effect.runPromise(
    session.pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([])))) as Effect.Effect<void>,
  );
  console.log(JSON.stringify({ count, others, stores, publish, ...again }));
});
