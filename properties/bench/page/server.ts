/** A server's admin port with its page, as a process of its own: so many events a second, and on a line of input what it has cost. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import { makeHappenings, withHappenings, withHealth } from "../../../actors/admin/mod.ts";
import { newToken } from "../../../runtime/cli/door.ts";
import { openFolder } from "../../../runtime/cli/folder.ts";
import { openDoor } from "../../../runtime/cli/open-door.ts";
import { METRICS_TYPE } from "../../../runtime/metrics/text.ts";

const EVERY_MS = 50;
const NODES = 64;
let perSecond = Number(process.argv[2]);

const happenings = makeHappenings();
const startedMs = Date.now();
let count = 0;
const node = (i: number) => ({
  nodeId: i.toString(16).padStart(32, "0"),
  distance: i / NODES,
  place: i / NODES,
  address: `192.0.2.${i}:6084`,
});
const ringNow = () => ({
  ...{ version: 1, overlay: "bench.example", configurationSequence: 1, nodeId: "0".repeat(32), place: 0 },
  ...{ address: "192.0.2.1:6084", state: "settled", upSeconds: Math.round((Date.now() - startedMs) / 1_000) },
  ...{ certificateExpires: "2027-01-01T00:00:00.000Z", share: 1 / NODES, nodesSeen: NODES, nodesEstimated: NODES },
  successors: [1, 2, 3, 4].map(node),
  predecessors: [60, 61, 62, 63].map(node),
  fingers: [8, 16, 32].map(node),
  links: Array.from({ length: NODES - 1 }, (_, i) => node(i + 1)),
  stored: { resources: count, primaries: count, replicas: count },
  quota: { limit: 10_000, used: 10, byNode: [] },
  ...{ lookUps: [], counters: {}, refusals: {} },
});
const metrics = Effect.sync(
  () => `vipr_vcrs_total{direction="sent"} ${count}\nvipr_attempts_total{method="A",verdict="validated"} ${count}\n`,
);
const happen = () => {
  for (let i = 0; i < (perSecond * EVERY_MS) / 1_000; i += 1) {
    count += 1;
    const bits = count % 20;
    happenings.record(Date.now(), "attempted", () => ({
      ...{ number: "+49…01", method: "A", verdict: bits > 4 ? "validated" : "refused", bits },
      text: `a claimant was asked about a call, by method A: ${bits} bits`,
    }));
  }
};

const program = Effect.gen(function* () {
  const folder = mkdtempSync(join(tmpdir(), "vipr-page-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const health = { unready: Effect.succeed([]), metrics, metricsType: METRICS_TYPE };
  const answer = withHealth(
    health,
    withHappenings(happenings, () => Effect.sync(() => ({ status: 200, body: ringNow() }))),
  );
  const token = newToken();
  const programs = [{ name: "server", program: "server", data: folder }] as const;
  const { port } = yield* openDoor(yield* openFolder(folder), { host: "127.0.0.1", port: 0 }, token, answer, programs);
  setInterval(happen, EVERY_MS);
  console.log(JSON.stringify({ port, token }));
  // Each line: so many events a second from now on. The answer: milliseconds of processor time so far.
  process.stdin.setEncoding("utf8").on("data", (line: string) => {
    perSecond = Number(line.trim());
    const { user, system } = process.cpuUsage();
    console.log(JSON.stringify({ cpuMs: (user + system) / 1_000 }));
  });
  process.stdin.on("end", () => process.exit(0));
  return yield* Effect.never;
});
void Effect.runPromise(Effect.scoped(program));
