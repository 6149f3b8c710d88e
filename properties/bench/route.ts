/**
 * The decision service beside Node's bare `http` that answers a constant: decisions a second of the server's processor time,
 * and how long the slowest hundredth of 1,000 questions a second waits. Each server is a process of its own, asked over
 * connections that stay open, as a SIP proxy's workers ask. `VIPR_ROUTES` says how many routes ours has in memory.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Contest, runtimeName } from "./kit.ts";
import { ROUTE_TOKEN, routeNumber } from "./route-numbers.ts";

const ROUTES = Number(process.env.VIPR_ROUTES ?? 1_000_000);
const CONNECTIONS = 16;
const ROUND_QUESTIONS = 6_000;
const PACED_PER_SECOND = 1_000;
const PACED_MS = 3_000;
const SERVER = fileURLToPath(new URL("route-server.ts", import.meta.url));

interface Server {
  readonly port: number;
  readonly cpuMs: () => Promise<number>;
  readonly child: ChildProcess;
}
const nextLine = async (lines: Interface): Promise<string> => String((await once(lines, "line"))[0]);

const start = async (kind: "ours" | "peer"): Promise<Server> => {
  const flags = runtimeName === "deno" ? ["run", "-A", "--no-check"] : [];
  const child = spawn(process.execPath, [...flags, SERVER, kind, String(ROUTES)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  process.once("exit", () => child.kill());
  const lines = createInterface({ input: child.stdout! });
  const port = Number(await nextLine(lines));
  const cpuMs = async () => {
    child.stdin!.write("cpu\n");
    return Number(await nextLine(lines));
  };
  return { port, cpuMs, child };
};

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const ask = (port: number, n: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const path = `/route?called=%2B${routeNumber((n * 7_919) % ROUTES).slice(1)}`;
    const headers = { authorization: `Bearer ${ROUTE_TOKEN}` };
    get({ host: "127.0.0.1", port, path, headers, agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      response.resume();
      response.on("end", resolve);
    }).on("error", reject);
  });

/** Questions a second of the server's processor time. */
const throughput = async ({ port, cpuMs }: Server): Promise<number> => {
  const from = await cpuMs();
  let next = 0;
  const worker = async () => {
    while (next < ROUND_QUESTIONS) await ask(port, next++);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return (1_000 * ROUND_QUESTIONS) / ((await cpuMs()) - from);
};

/** In ms, from the moment at which a question was due: what waits behind a slow one waits too. */
const slowest = async ({ port }: Server): Promise<number> => {
  const waits: Array<number> = [];
  const from = performance.now();
  const all: Array<Promise<void>> = [];
  for (let n = 0; n < (PACED_MS * PACED_PER_SECOND) / 1_000; n++) {
    const dueMs = from + (n * 1_000) / PACED_PER_SECOND;
    while (performance.now() < dueMs) await new Promise((resolve) => setTimeout(resolve, 1));
    const askedMs = performance.now(); // this process's own lateness is not the server's
    all.push(ask(port, n).then(() => void waits.push(performance.now() - askedMs)));
  }
  await Promise.all(all);
  return waits.toSorted((a, b) => a - b)[Math.floor(0.99 * waits.length)]!;
};

const servers = new Map<string, Promise<Server>>();
const serverOf = (kind: "ours" | "peer"): Promise<Server> => {
  const known = servers.get(kind) ?? start(kind);
  servers.set(kind, known);
  return known;
};
const at = (kind: "ours" | "peer", figure: (server: Server) => Promise<number>) => async () =>
  figure(await serverOf(kind));

const peerName = "node:http answering a constant";
export const contests: ReadonlyArray<Contest> = [
  {
    name: `route: decisions a CPU-second, ${ROUTES.toLocaleString("en")} routes`,
    unit: "1/s",
    peerName,
    ours: at("ours", throughput),
    peer: at("peer", throughput),
    aim: 0.5,
  },
  {
    name: "route: p99 at 1,000 a second",
    unit: "ms",
    peerName,
    ours: at("ours", slowest),
    peer: at("peer", slowest),
    lowerIsBetter: true,
    rounds: 3,
    aim: 0.5,
  },
];
