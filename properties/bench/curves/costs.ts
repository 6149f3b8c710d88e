/**
 * What the numbers and the call records of a company cost: a `vipr server` with SQLite and two more nodes, each a process with
 * sockets and files, and a call agent here that publishes and uploads over VAP. The overlay allows more stores than are asked, so
 * that the cost is seen and not the rate.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Effect, Layer, Logger } from "effect";
import { connectVap } from "../../../actors/vap/mod.ts";
import { e164FromDigits, unixMs, type Vcr, vserviceId } from "../../../codecs/shared/mod.ts";
import { addAccount } from "../../../runtime/cli/accounts.ts";
import { openFolder } from "../../../runtime/cli/folder.ts";
import { nodeLayer } from "../../../runtime/node.ts";
import { DOMAIN, HOST, type OneServer, oneServer, WORDS } from "../../cli/one-server.ts";
import { type Running, start, withFolder } from "../../cli/processes.ts";
import { cpuOf } from "../process-time.ts";

/** More than are stored: the overlay's own limits are not what is measured. */
const WITHOUT_LIMITS = ["--stores", "1000", "--quota", "1000000"];
const NODES = ["two", "three"] as const;
const passwordOf = (name: string): string => `${name} knows its word`;
const VSERVICE = vserviceId(1n);

export interface CostRow {
  /** Numbers published, or records uploaded. */
  readonly count: number;
  readonly seconds: number;
  /** Of the processor: the company's server, and it and the two other nodes together. */
  readonly serverCpuS: number;
  readonly overlayCpuS: number;
  /** Resident memory of the server's process. */
  readonly serverMb: number;
  /** What the server keeps on disk, and what all three keep: each number is stored by all of them. */
  readonly serverDiskMb: number;
  readonly overlayDiskMb: number;
}
/** Under way at once, as of a call agent that has fallen behind. */
const UPLOADS_AT_ONCE = 48;

export const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1_024;
export const diskMb = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0) / 1_048_576;

const member = (server: OneServer, root: string, name: string): Running => {
  const words = ["--authority", server.trust.url, "--fingerprint", server.trust.fingerprint, "--user", name];
  return start(
    ["node", "--data", join(root, name), "--listen", `${HOST}:0`, "--admin", "none", ...words, "--password-file", "-"],
    `${passwordOf(name)}\n`,
  );
};
/** Further nodes of that overlay, once they have joined. */
export const othersIn = async (
  server: OneServer,
  root: string,
  names: ReadonlyArray<string>,
): Promise<ReadonlyArray<Running>> => {
  for (const name of names)
    await Effect.runPromise(
      Effect.flatMap(openFolder(server.at("authority")), (at) => addAccount(at, name, passwordOf(name))),
    );
  const others = names.map((name) => member(server, root, name));
  for (const one of others) await one.said(/^node [0-9a-f]{32} of /m);
  return others;
};

const vcrOf = (i: number, nowMs: number): Vcr => ({
  direction: i % 2 === 0 ? "received" : "sent",
  calling: e164FromDigits(33_100_000_000 + i),
  called: e164FromDigits(14_081_000_000 + i),
  startMs: unixMs(nowMs - 3_600_000 + i),
  stopMs: unixMs(nowMs - 3_500_000 + i),
  vservice: VSERVICE,
});

/** One row after each of these counts, of one run. */
export const costRows = async (
  numbers: ReadonlyArray<number>,
  records: ReadonlyArray<number>,
): Promise<{ readonly publish: ReadonlyArray<CostRow>; readonly upload: ReadonlyArray<CostRow> }> => {
  const rows = { publish: [] as Array<CostRow>, upload: [] as Array<CostRow> };
  await withFolder(async (root) => {
    const server = await oneServer(root, WITHOUT_LIMITS);
    const company = await server.serve("--vap", `${HOST}:${server.ports.vap}`); // on loopback without TLS
    const others = await othersIn(server, root, NODES);
    const [own, all] = [[company.pid!], [company.pid!, ...others.map(({ pid }) => pid!)]];
    const measuring = () => {
      const [startMs, cpuS, allS] = [performance.now(), cpuOf(own), cpuOf(all)];
      return (count: number): CostRow => ({
        count,
        seconds: (performance.now() - startMs) / 1_000,
        serverCpuS: cpuOf(own) - cpuS,
        overlayCpuS: cpuOf(all) - allS,
        serverMb: residentMb(own[0]!),
        serverDiskMb: diskMb(server.at("acme")),
        overlayDiskMb: ["acme", ...NODES].reduce((sum, name) => sum + diskMb(server.at(name)), 0),
      });
    };
    const steps = (counts: ReadonlyArray<number>) => counts.map((count, i) => ({ count, from: counts[i - 1] ?? 0 }));
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    await Effect.runPromise(
      Effect.gen(function* () {
        const at = { host: HOST, port: server.ports.vap, username: "pbx", password: WORDS.pbx };
        const client = yield* connectVap({ ...at, name: "curves/1.0", vservice: VSERVICE });
        const routes = [{ sipUris: [`sip:x@${DOMAIN}`] }];
        yield* client.publishVService({ id: "x", dhtName: "vipr.test", didCount: 1, domain: DOMAIN, routes });
        const publishing = measuring();
        for (const { count, from } of steps(numbers)) {
          const some = range(from, count).map((i) => e164FromDigits(4_930_000_000_000 + i));
          const outcomes = yield* client.publishNumbers(some);
          const failed = outcomes.find(({ result }) => result.type !== "done");
          if (failed !== undefined) throw new Error(`a number was not published: ${JSON.stringify(failed.result)}`);
          rows.publish.push(publishing(count));
        }
        const uploading = measuring();
        const nowMs = Date.now();
        for (const { count, from } of steps(records)) {
          const upload = (i: number) => client.uploadVcr(vcrOf(i, nowMs));
          yield* Effect.forEach(range(from, count), upload, { concurrency: UPLOADS_AT_ONCE, discard: true });
          rows.upload.push(uploading(count));
        }
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([])))),
    );
  });
  return rows;
};
