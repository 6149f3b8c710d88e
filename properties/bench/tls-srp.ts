/**
 * Full TLS-SRP handshakes a second on one core: group of 2048 bits, AES-128, client and server in one process over
 * memory, the verifier derived from the password in each; beside OpenSSL's (tls-srp.c).
 *
 *   machines   bytes in, bytes out, in a plain loop: what libssl does between two memory BIOs
 *   streams    the same as the product runs it: Effect's fibers, mailboxes, timers, and a close_notify at the end
 *
 * What is counted is processor time, all threads together. A neighbour's work on the same processor slows us more than
 * OpenSSL, which fits into its nearest cache: measure on a quiet machine.
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
import {
  type TlsEvent,
  type TlsRandomness,
  type TlsServerEvent,
  tlsClient,
  tlsServer,
} from "../../machines/tls/mod.ts";
import { arithmeticLayer, openHere, powerOf } from "../../runtime/arithmetic.ts";
import { entropyLayer } from "../../runtime/entropy.ts";
import { type Contest, cpuMs, PeerMissing, rateOfAsync } from "./kit.ts";

export const BITS = 2048;
const [USER, PASSWORD] = ["alice", "correct horse battery staple"];
const CREDENTIAL = { type: "password", password: PASSWORD } as const;
/** Of processor time: the compilers have settled, and the prime is tested. */
export const WARM_SECONDS = 5;
export const ROUND_SECONDS = 1;
const HANDSHAKES_BETWEEN_LOOKS = 16;

/** Two ends of a wire without delay. */
const wire = Effect.gen(function* () {
  const [there, back] = [yield* Queue.unbounded<Uint8Array>(), yield* Queue.unbounded<Uint8Array>()];
  const end = (from: Queue.Queue<Uint8Array>, to: Queue.Queue<Uint8Array>): ByteStreamShape => ({
    peer: { host: "memory", port: 1, certificates: [] },
    read: Effect.catchCause(Queue.take(from), () => Effect.fail(new StreamClosed({ reason: "ended", why: "closed" }))),
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
  const randomness = (): TlsRandomness => ({
    random: randomBytes(32),
    secret: randomBytes(32),
    ivKey: randomBytes(32),
  });
  const common = { handshakeTimeoutMs: 20_000, legacy: false };
  const seedKey = new Uint8Array(32).fill(1);
  const steps = {
    client: tlsClient.start({
      ...common,
      randomness: randomness(),
      userName: USER,
      password: PASSWORD,
      groupBitsMin: BITS,
    }),
    server: tlsServer.start({ ...common, randomness: randomness(), seedKey, storedAs: "password", group: BITS }),
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

/** Handshakes a second of processor time. */
export const handshakes = (once: () => PromiseLike<unknown>, seconds: number): Promise<number> =>
  rateOfAsync(
    async () => {
      // To ask for the time costs as much as three percent of a handshake.
      for (let i = 0; i < HANDSHAKES_BETWEEN_LOOKS; i++) await once();
    },
    seconds * 1_000,
    cpuMs,
  ).then((rate) => rate * HANDSHAKES_BETWEEN_LOOKS);

/** The program tls-srp.c, built into a folder that goes when this process ends. */
export const opensslProgram = (): string | PeerMissing => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, "tls-srp");
  const source = join(fileURLToPath(import.meta.url), "..", "tls-srp.c");
  const made = spawnSync("cc", ["-O2", "-o", program, source, "-lssl", "-lcrypto"], { encoding: "utf8" });
  return made.status === 0 ? program : new PeerMissing("cc or libssl-dev is not installed");
};
/** OpenSSL's handshakes a second of processor time. */
export const byOpenssl = (program: string | PeerMissing) => (): number => {
  if (typeof program !== "string") throw program;
  const { status, stdout, stderr } = spawnSync(program, [String(BITS), String(ROUND_SECONDS)], { encoding: "utf8" });
  const [made, took] = (stdout ?? "").trim().split(" ").map(Number);
  if (status !== 0 || made === undefined || took === undefined) throw new Error(`tls-srp.c: ${stderr}`);
  return made / took;
};

export const contests = async (): Promise<ReadonlyArray<Contest>> => {
  const world = Layer.merge(arithmeticLayer, entropyLayer());
  openHere(BITS); // as a server does before it serves
  const peer = byOpenssl(opensslProgram());
  const ways = {
    machines: playMachines,
    streams: () => Effect.runPromise(Effect.provide(handshake, world)),
  };
  for (const once of Object.values(ways)) await handshakes(once, WARM_SECONDS);
  return Object.entries(ways).map(([way, once]) => ({
    name: `tls-srp: handshake, ${way}`,
    unit: "1/s",
    peerName: "OpenSSL",
    rounds: 5,
    ours: () => handshakes(once, ROUND_SECONDS),
    peer,
  }));
};
