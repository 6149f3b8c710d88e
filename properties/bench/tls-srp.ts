/**
 * Full TLS-SRP handshakes a second on one core: group of 2048 bits, AES-128, client and server in one process over
 * memory, the verifier derived from the password in each; ours on Node, Deno and Bun, and OpenSSL's (tls-srp.c).
 *
 *   npm run bench -- tls-srp          VIPR_BENCH_ROUNDS=5 VIPR_BENCH_SECONDS=3 by default
 *
 *   machines   bytes in, bytes out, in a plain loop: what libssl does between two memory BIOs
 *   streams    the same as the product runs it: Effect's fibers, mailboxes, timers, and a close_notify at the end
 *
 * Each round runs all of them, one after another, on one processor where `taskset` is there. What is counted is processor
 * time, all threads together. Medians of the rounds, the least and the most. A neighbour's work on the same processor
 * slows us more than OpenSSL, which fits into its nearest cache: measure on a quiet machine.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Effect, Fiber, Layer, Queue } from "effect";
import { type ByteStreamShape, StreamClosed } from "../../actors/ports/mod.ts";
import { tlsSrpClient, tlsSrpServer } from "../../actors/tls/mod.ts";
import { type TlsChance, type TlsEvent, type TlsServerEvent, tlsClient, tlsServer } from "../../machines/tls/mod.ts";
import { arithmeticLayer, openHere, powerOf } from "../../runtime/arithmetic.ts";
import { entropyLayer } from "../../runtime/entropy.ts";

const BITS = 2048;
const [USER, PASSWORD] = ["alice", "correct horse battery staple"];
const CREDENTIAL = { type: "password", password: PASSWORD } as const;
/** Of processor time: the compilers have settled, and the prime is tested. */
const WARM_SECONDS = 5;
const HANDSHAKES_BETWEEN_LOOKS = 16;
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
    const lookUp = () => Effect.succeed(CREDENTIAL);
    const seedKey = new Uint8Array(32).fill(1);
    const serving = yield* Effect.forkScoped(tlsSrpServer(b, { lookUp, seedKey, group: BITS }));
    yield* tlsSrpClient(a, { userName: USER, password: PASSWORD });
    yield* Fiber.join(serving);
  }),
);

/** The two machines joined by a list of events. */
const playMachines = async (): Promise<void> => {
  const chance = (): TlsChance => ({ random: randomBytes(32), secret: randomBytes(32), ivKey: randomBytes(32) });
  const common = { handshakeTimeoutMs: 20_000, legacy: false };
  const seedKey = new Uint8Array(32).fill(1);
  const steps = {
    client: tlsClient.start({ ...common, chance: chance(), userName: USER, password: PASSWORD, groupBitsMin: BITS }),
    server: tlsServer.start({ ...common, chance: chance(), seedKey, keeps: "password", group: BITS }),
  };
  const events: Array<{ readonly to: Side; readonly event: TlsServerEvent }> = [];
  let open = 0;
  const perform = async (side: Side): Promise<void> => {
    const other = side === "client" ? "server" : "client";
    for (const action of steps[side].actions)
      if (action.type === "send") events.push({ to: other, event: { type: "received", bytes: action.bytes } });
      else if (action.type === "power") {
        const value = powerOf(action.base, action.exponent, action.group);
        events.push({
          to: side,
          event: { type: "powered", id: action.id, value: typeof value === "bigint" ? value : await value },
        });
      } else if (action.type === "lookUp") events.push({ to: side, event: { type: "found", credential: CREDENTIAL } });
      else if (action.type === "secured") open += 1;
  };
  await perform("server");
  await perform("client");
  for (let next = events.shift(); next !== undefined; next = events.shift()) {
    const { to, event } = next;
    if (to === "server") steps.server = tlsServer.step(steps.server.snapshot, event);
    else steps.client = tlsClient.step(steps.client.snapshot, event as TlsEvent);
    await perform(to);
  }
  if (open !== 2) throw new Error("the handshake failed");
};
type Side = "client" | "server";

/** One runtime's turn: prints handshakes and processor seconds. */
const run = async (what: string, seconds: number): Promise<void> => {
  const world = Layer.merge(arithmeticLayer, entropyLayer());
  openHere(BITS); // as a server does before it serves
  const once = what === "machines" ? Effect.promise(playMachines) : handshake;
  const used = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const takeTurn = (turnSeconds: number) =>
    Effect.gen(function* () {
      const from = used();
      let made = 0;
      // To ask for the time costs as much as three percent of a handshake.
      for (; made % HANDSHAKES_BETWEEN_LOOKS !== 0 || used() - from < turnSeconds; made++) yield* once;
      return `${made} ${used() - from}`;
    });
  const program = Effect.andThen(takeTurn(WARM_SECONDS), takeTurn(seconds));
  console.log(await Effect.runPromise(Effect.provide(program, world)));
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
      ...["machines", "streams"].flatMap((what) => [
        { name: `Node ${what}`, command: ["node", here, what] },
        { name: `Deno ${what}`, command: ["deno", "run", "-A", "--no-check", here, what] },
        { name: `Bun ${what}`, command: ["bun", here, what] },
      ]),
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
  console.log("                median   least    most   beside OpenSSL (median of the rounds' ratios, least, most)");
  for (const [i, { name }] of runners.entries()) {
    const own = rates[i]!;
    if (own.length === 0) continue;
    const figures = [median(own), Math.min(...own), Math.max(...own)].map((n) => n.toFixed(0).padStart(8)).join("");
    const ratios = own.map((n, round) => n / (rates[0]![round] ?? Number.NaN));
    const beside = [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((n) => n.toFixed(2)).join("  ");
    console.log(`${name.padEnd(14)}${figures}${isCompared && i > 0 ? `   ${beside}` : ""}`);
  }
};

const [, , first, last] = process.argv;
if (first === "machines" || first === "streams") await run(first, Number(last));
else compare();
