/**
 * Full TLS-SRP handshakes a second on one core: group of 2048 bits, AES-128, client and server in one process over
 * memory, the verifier derived from the password in each; ours on Node, Deno and Bun, and OpenSSL's (tls-srp.c).
 *
 *   npm run bench -- tls-srp          VIPR_BENCH_ROUNDS=5 VIPR_BENCH_SECONDS=3 by default
 *
 * Each round runs all of them, one after another, on one processor where `taskset` is there. What is counted is processor
 * time, all threads together, so that a neighbour's work costs a round little. Medians, and the least and the most.
 * Ours is what the product runs: actors, host, machines, ports; each handshake ends with close_notify.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Effect, Fiber, Layer, Queue } from "effect";
import { type ByteStreamShape, StreamClosed } from "../../actors/ports/mod.ts";
import { tlsSrpClient, tlsSrpServer } from "../../actors/tls/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { entropyLayer } from "../../runtime/entropy.ts";

const BITS = 2048;
const [USER, PASSWORD] = ["alice", "correct horse battery staple"];
const WARM_MS = 4_000;
const here = fileURLToPath(import.meta.url);

/** Two ends of a wire without delay. */
const wire = Effect.gen(function* () {
  const [there, back] = [yield* Queue.unbounded<Uint8Array>(), yield* Queue.unbounded<Uint8Array>()];
  const end = (from: Queue.Queue<Uint8Array>, to: Queue.Queue<Uint8Array>): ByteStreamShape => ({
    peer: { host: "memory", port: 1, certificates: [] },
    read: Effect.catchCause(Queue.take(from), () => Effect.fail(new StreamClosed({ why: "closed" }))),
    write: (bytes) => Effect.asVoid(Queue.offer(to, bytes)),
    close: Effect.asVoid(Queue.shutdown(to)),
  });
  return [end(there, back), end(back, there)] as const;
});

const handshake = Effect.scoped(
  Effect.gen(function* () {
    const [a, b] = yield* wire;
    const lookUp = () => Effect.succeed({ type: "password", password: PASSWORD } as const);
    const serving = yield* Effect.forkScoped(
      tlsSrpServer(b, { lookUp, seedKey: new Uint8Array(32).fill(1), group: BITS }),
    );
    yield* tlsSrpClient(a, { userName: USER, password: PASSWORD });
    yield* Fiber.join(serving);
  }),
);

/** One runtime's turn: prints handshakes and processor seconds. */
const run = async (seconds: number): Promise<void> => {
  const world = Layer.merge(arithmeticLayer, entropyLayer());
  const used = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const program = Effect.gen(function* () {
    const warm = performance.now() + WARM_MS;
    while (performance.now() < warm) yield* handshake;
    const from = used();
    let made = 0;
    for (; used() - from < seconds; made++) yield* handshake;
    console.log(`${made} ${used() - from}`);
  });
  await Effect.runPromise(Effect.provide(program, world));
  process.exit(0);
};

interface Runner {
  readonly name: string;
  readonly command: ReadonlyArray<string>;
}

const built = (folder: string): Runner | undefined => {
  const program = join(folder, "tls-srp");
  const source = join(here, "..", "tls-srp.c");
  const made = spawnSync("cc", ["-O2", "-o", program, source, "-lssl", "-lcrypto"], { encoding: "utf8" });
  return made.status === 0 ? { name: "OpenSSL", command: [program, String(BITS)] } : undefined;
};

const pinned = (): ReadonlyArray<string> => {
  const words = ["taskset", "-c", "1"];
  return spawnSync(words[0]!, [...words.slice(1), "true"]).status === 0 ? words : [];
};

/** Handshakes a second of processor time; undefined where the runtime is missing or fails. */
const rate = ({ command }: Runner, pin: ReadonlyArray<string>, seconds: number): number | undefined => {
  const [program, ...words] = [...pin, ...command, String(seconds)];
  const { status, stdout, stderr } = spawnSync(program!, words, { encoding: "utf8" });
  const [made, took] = (stdout ?? "").trim().split(" ").map(Number);
  if (status === 0 && made !== undefined && took !== undefined) return made / took;
  console.error(`${command.join(" ")}: ${stderr}`);
  return undefined;
};

const median = (values: ReadonlyArray<number>): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const compare = (): void => {
  const rounds = Number(process.env.VIPR_BENCH_ROUNDS ?? 5);
  const seconds = Number(process.env.VIPR_BENCH_SECONDS ?? 3);
  const folder = mkdtempSync(join(tmpdir(), "vipr-bench-"));
  try {
    const c = built(folder);
    if (c === undefined) console.log("no OpenSSL to compare with: cc or libssl-dev is missing");
    const runners: ReadonlyArray<Runner> = [
      ...(c === undefined ? [] : [c]),
      { name: "Node", command: ["node", here, "turn"] },
      { name: "Deno", command: ["deno", "run", "-A", here, "turn"] },
      { name: "Bun", command: ["bun", here, "turn"] },
    ];
    const pin = pinned();
    const rates = runners.map((): Array<number> => []);
    for (let round = 0; round < rounds; round++)
      for (const [i, runner] of runners.entries()) {
        const found = rate(runner, pin, seconds);
        if (found !== undefined) rates[i]!.push(found);
      }
    report(runners, rates, c !== undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const report = (
  runners: ReadonlyArray<Runner>,
  rates: ReadonlyArray<ReadonlyArray<number>>,
  isCompared: boolean,
): void => {
  console.log(`full handshakes a second of one core, ${BITS} bits, AES-128, verifier derived in each`);
  console.log("           median   least    most   beside OpenSSL (median of the rounds' ratios, least, most)");
  for (const [i, { name }] of runners.entries()) {
    const own = rates[i]!;
    if (own.length === 0) continue;
    const figures = [median(own), Math.min(...own), Math.max(...own)].map((n) => n.toFixed(0).padStart(8)).join("");
    const ratios = own.map((n, round) => n / (rates[0]![round] ?? Number.NaN));
    const beside = [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((n) => n.toFixed(2)).join("  ");
    console.log(`${name.padEnd(9)}${figures}${isCompared && i > 0 ? `   ${beside}` : ""}`);
  }
};

if (process.argv[2] === "turn") await run(Number(process.argv[3]));
else compare();
