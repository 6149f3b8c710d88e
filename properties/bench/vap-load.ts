/**
 * A ViPR server under an evening's load: a thousand registered call agents that keep alive, and 100,000 call records an hour
 * from all of them together, with SQLite, over real sockets. Prints one line: latencies of an upload, from the agent's call to
 * the server's acknowledgement, and what the server's process takes.
 *
 *   node properties/bench/vap-load.ts [SECONDS] [AGENTS] [RECORDS AN HOUR]
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Effect, Layer, Logger } from "effect";
import { connectVap, type VapClient } from "../../actors/vap/mod.ts";
import { startViprServer } from "../../actors/vipr/mod.ts";
import { e164, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { nodeLayer, openSqlite } from "../../runtime/node.ts";
import { memberOf, OVERLAY } from "../vipr/member.ts";
import { cpuMs } from "./kit.ts";

const USERS = 8;
const FREE = { host: "127.0.0.1", port: 0 } as const;
const MEGABYTE = 1_048_576;
const DOMAIN = "load.example";

const [first = "60", agents = "1000", anHour = "100000", port = ""] = process.argv.slice(2);
const [seconds, count, rate] = [Number(first), Number(agents), Number(anHour)];
const userOf = (i: number): string => `pbx${i % USERS}`;

/** All agents in one process; the latencies go to standard output as JSON. */
const agentsAt = (at: number) =>
  Effect.gen(function* () {
    const open = (_: unknown, i: number) =>
      Effect.gen(function* () {
        const client = yield* connectVap({
          host: "127.0.0.1",
          port: at,
          username: userOf(i),
          password: userOf(i),
          name: "load/1.0",
          vservice: vserviceId(BigInt(i + 1)),
        });
        const routes = [{ sipUris: [`sip:x@${DOMAIN}`] }];
        yield* client.publishVService({ id: "x", dhtName: OVERLAY, didCount: 1, domain: DOMAIN, routes });
        return client;
      });
    const clients: ReadonlyArray<VapClient> = yield* Effect.forEach(Array.from({ length: count }), open, {
      concurrency: 32,
    });
    const latencies: Array<number> = [];
    const nowMs = Date.now();
    const upload = (n: number) =>
      Effect.gen(function* () {
        const from = performance.now();
        yield* clients[(n * 7_919) % count]!.uploadVcr({
          direction: n % 2 === 0 ? "received" : "sent",
          calling: e164(`+33${100_000_000 + n}`),
          called: e164(`+1408${1_000_000 + n}`),
          startMs: unixMs(nowMs - 120_000 + n),
          stopMs: unixMs(nowMs - 60_000 + n),
          vservice: vserviceId(BigInt(((n * 7_919) % count) + 1)),
        });
        latencies.push(performance.now() - from);
      });
    const started = performance.now();
    const total = Math.round((seconds * rate) / 3_600);
    for (let n = 0; n < total; n++) {
      const waitMs = started + (n * 3_600_000) / rate - performance.now();
      if (waitMs > 0) yield* Effect.sleep(waitMs);
      yield* Effect.forkScoped(upload(n));
    }
    yield* Effect.sleep(1_000);
    const sorted = latencies.sort((a, b) => a - b);
    const part = (of: number) => Math.round(10 * sorted[Math.floor(of * (sorted.length - 1))]!) / 10;
    process.stdout.write(
      `${JSON.stringify({ uploads: total, acknowledged: sorted.length, p50Ms: part(0.5), p99Ms: part(0.99), mostMs: part(1) })}\n`,
    );
  });

const agentsElsewhere = (at: number): Promise<object> =>
  new Promise((resolve, reject) => {
    const own = fileURLToPath(import.meta.url);
    const runner = "Deno" in globalThis ? ["run", "--allow-all", own] : [own];
    const child = spawn(process.execPath, [...runner, first, agents, anHour, String(at)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (bytes: Uint8Array) => {
      text += new TextDecoder().decode(bytes);
    });
    child.on("exit", (code) =>
      code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`the agents ended: ${code}`)),
    );
  });

const server = (folder: string) =>
  Effect.gen(function* () {
    const { credentials, overlay } = yield* memberOf(5n);
    const store = yield* openSqlite({ file: join(folder, "values.sqlite") });
    const users = Object.fromEntries(Array.from({ length: USERS }, (_, i) => [userOf(i), userOf(i)]));
    const { vap, counters } = yield* startViprServer({
      nodes: [credentials],
      overlay,
      listen: { reload: FREE, vap: FREE, pvp: FREE },
      vap: { users },
      tickets: { [DOMAIN]: { epoch: 1, password: "load" } },
      limits: { leaveMs: 0 },
      store,
    });
    const cpu = cpuMs();
    const [started, seen] = [performance.now(), { sessions: 0, rssMb: 0 }];
    const look = Effect.gen(function* () {
      seen.sessions = Math.max(seen.sessions, (yield* counters).vap.sessions);
      seen.rssMb = Math.max(seen.rssMb, Math.round(process.memoryUsage().rss / MEGABYTE));
    });
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep(500))));
    const found = yield* Effect.promise(() => agentsElsewhere(vap.port));
    const busy = (cpuMs() - cpu) / (performance.now() - started);
    process.stdout.write(`${JSON.stringify({ ...found, ...seen, processor: Math.round(100 * busy) / 100 })}\n`);
  });

const world = Layer.merge(nodeLayer(), Logger.layer([]));
if (port !== "") await Effect.runPromise(Effect.scoped(agentsAt(Number(port))).pipe(Effect.provide(world)));
else {
  const folder = mkdtempSync(join(tmpdir(), "vipr-load-"));
  try {
    await Effect.runPromise(Effect.scoped(server(folder)).pipe(Effect.provide(world)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exit(0);
