/**
 * Mixed load on two companies (`vipr company`: server, call agent and border element each) for a time, and whether memory, open
 * files and latency grow.
 *
 *   npm run soak -- [--minutes N] [--calls PER_SECOND] [--uploads PER_SECOND]
 *
 *   calls     between the companies' exchanges: over the trunk, then over the border elements, their media relayed
 *   uploads   of call records of other calls, to both servers, a part of them proved by PVP
 *   looks     /metrics and explain, each SAMPLE_MS; each COLLECTED_MS what is left when the collector has just run
 *
 * The last line is one JSON object. `perHour`: the slope of a line through the samples of the last two thirds; `noise`: the
 * standard deviation of that slope. Exit code 1 where a call or an upload failed.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { Effect } from "effect";
import { connectVap, type VapClient } from "../../actors/vap/mod.ts";
import { vserviceId } from "../../codecs/shared/mod.ts";
import { askAdmin } from "../../runtime/admin-client.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { COMPANIES, type Company as Name, NUMBERS, recordOf, VSERVICE } from "../crash/calls.ts";
import { folder } from "../interop/baresip.ts";
import { type Company, companies, company, viprNow } from "../interop/company-world.ts";
import { HOST } from "../interop/peers.ts";
import { OWN } from "../interop/relays.ts";
import { INSPECTED, openCollector } from "./collector.ts";
import { openPbx, type Pbx } from "./pbx.ts";
import { type Sample, slopeOf } from "./slope.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    minutes: { type: "string", default: "60" },
    calls: { type: "string", default: "2" },
    uploads: { type: "string", default: "4" },
  },
});
const [minutes, callsPerSecond, uploadsPerSecond] = [values.minutes, values.calls, values.uploads].map(Number) as [
  number,
  number,
  number,
];
if (![minutes, callsPerSecond, uploadsPerSecond].every((one) => one > 0)) {
  console.error("soak: --minutes, --calls and --uploads want numbers above 0");
  process.exit(2);
}
const SAMPLE_MS = 10_000;
const COLLECTED_MS = 120_000;
const HOLD_MS = [3_000, 6_000] as const;
/** Of each company's ten numbers one is never called over the Internet: its calls stay records. */
const TRUNK_ONLY = 9;
const LOAD = "load";

const counts = { calls: 0, callsFailed: 0, uploads: 0, uploadsFailed: 0 };
const why = new Map<string, number>();
const failed = (what: "callsFailed" | "uploadsFailed", reason: string) => {
  counts[what] += 1;
  why.set(reason, (why.get(reason) ?? 0) + 1);
};
/** Of this sample; taken out by it. */
let [rings, acks]: [Array<number>, Array<number>] = [[], []];
const samples: Record<string, Array<Sample>> = {};
const note = (name: string, value: number, atMs: number) => {
  const all = samples[name] ?? [];
  all.push({ atMs, value });
  samples[name] = all;
};
const lateBefore: Record<string, readonly [sum: number, count: number]> = {};

const numberOf = ({ number }: Company, i: number): string => `${number.slice(0, -1)}${i}`;

const calling = (pbx: Pbx, from: Company, to: Company) => (n: number) => {
  const holdMs = HOLD_MS[0] + ((n * 977) % (HOLD_MS[1] - HOLD_MS[0]));
  counts.calls += 1;
  return pbx.call(numberOf(from, n % 10), numberOf(to, Math.floor(n / 10) % 10), holdMs).then(
    (ms) => void rings.push(ms),
    (error: Error) => failed("callsFailed", `call: ${error.message}`),
  );
};

const agentOf = Effect.fnUntraced(function* (name: Name, { data, config }: Company) {
  viprNow(
    "server",
    "add-agent",
    LOAD,
    "--data",
    join(data, "server"),
    "--password-file",
    join(data, "..", `${name}-word`),
  );
  const [, vap = ""] = /^vap = ".*:(\d+)"$/m.exec(readFileSync(config, "utf8")) ?? [];
  const agent = yield* connectVap({
    ...{ host: HOST, port: Number(vap), username: LOAD, password: `${name}, its own word`, name: "soak/1" },
    vservice: vserviceId(VSERVICE[name]),
  });
  const routes = [{ sipUris: [`sip:x@${name}.example:5061;maddr=192.0.2.1;transport=tls`] }];
  const document = { id: "soak", dhtName: "vipr.test", didCount: 2, domain: `${name}.example`, routes };
  yield* Effect.eventually(Effect.tapError(agent.publishVService(document), () => Effect.sleep(200)));
  yield* Effect.forkScoped(agent.publishNumbers(NUMBERS[name]));
  return agent;
});
const uploading = (agents: Readonly<Record<Name, VapClient>>) => (n: number) =>
  Effect.forEach(COMPANIES, (name) => {
    const fromMs = performance.now();
    counts.uploads += 1;
    return Effect.match(agents[name].uploadVcr(recordOf(name, n + 1)), {
      onSuccess: () => void acks.push(performance.now() - fromMs),
      onFailure: ({ code, why }) => failed("uploadsFailed", `upload: ${code} ${why}`),
    });
  });

const metric = (text: string, name: string): number =>
  Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1]);
/** What its admin port says; the three programs of a company are one process. */
const look = Effect.fnUntraced(function* (name: Name, { data, number }: Company, atMs: number) {
  const { host, port, token } = JSON.parse(readFileSync(join(data, "server", "admin.json"), "utf8"));
  const text = yield* Effect.promise(() => fetch(`http://${host}:${port}/metrics`).then((got) => got.text()));
  yield* askAdmin({ host, port }, { path: "/explain", token, body: { number } });
  note(`${name}.residentMib`, metric(text, "vipr_resident_bytes") / 1_048_576, atMs);
  note(`${name}.openFiles`, metric(text, "vipr_open_files"), atMs);
  const [sum, count] = ["sum", "count"].map((of) => metric(text, `vipr_event_loop_delay_seconds_${of}`)) as [
    number,
    number,
  ];
  const [sumBefore, countBefore] = lateBefore[name] ?? [0, 0];
  lateBefore[name] = [sum, count];
  note(`${name}.loopDelayMs`, (1_000 * (sum - sumBefore)) / (count - countBefore), atMs);
});
const quantile = (all: ReadonlyArray<number>, part: number): number =>
  [...all].sort((a, b) => a - b)[Math.min(all.length - 1, Math.floor(part * all.length))] ?? 0;

/** So many a second, however long each takes, until the end. */
const often = (perSecond: number, endMs: number, work: (n: number) => unknown) =>
  Effect.promise(
    () =>
      new Promise<void>((resolve) => {
        const fromMs = performance.now();
        let n = 0;
        const timer = setInterval(() => {
          const nowMs = performance.now();
          for (; n < ((nowMs - fromMs) * perSecond) / 1_000; n++) work(n);
          if (nowMs < endMs) return;
          clearInterval(timer);
          resolve();
        }, 20);
      }),
  );

const story = Effect.gen(function* () {
  const { a, b } = yield* companies(yield* folder, { media: yield* OWN.open });
  // Of the programs that are started: this process has read its own long ago.
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} ${INSPECTED}`;
  const running = { a: yield* company(a), b: yield* company(b) };
  const collectorOf = ({ child, said }: (typeof running)["a"]) =>
    Effect.promise(() => openCollector(child.pid!, () => said.text));
  const collectors = { a: yield* collectorOf(running.a), b: yield* collectorOf(running.b) };
  const pbxOf = (one: Company) =>
    Effect.acquireRelease(
      Effect.promise(() => openPbx({ host: HOST, port: one.phonePort, agent: one.agent })),
      ({ close }) => Effect.sync(close),
    );
  const [pbxA, pbxB] = [yield* pbxOf(a), yield* pbxOf(b)];
  const agents = { a: yield* agentOf("a", a), b: yield* agentOf("b", b) };
  for (const [own, other] of [
    [a, b],
    [b, a],
  ] as const)
    viprNow("routes", "disable", numberOf(other, TRUNK_ONLY), "--config", own.config);
  const run = Effect.runForkWith(yield* Effect.context<never>());
  const startMs = performance.now();
  const endMs = startMs + minutes * 60_000;
  const [callA, callB, upload] = [calling(pbxA, a, b), calling(pbxB, b, a), uploading(agents)];
  const sampling = Effect.gen(function* () {
    yield* Effect.sleep(SAMPLE_MS);
    const atMs = performance.now() - startMs;
    yield* Effect.all([look("a", a, atMs), look("b", b, atMs)], { discard: true });
    for (const [name, all] of [
      ["ringMs", rings],
      ["uploadMs", acks],
    ] as const) {
      note(`${name}.p50`, quantile(all, 0.5), atMs);
      note(`${name}.p99`, quantile(all, 0.99), atMs);
    }
    [rings, acks] = [[], []];
    const last = (name: string) => Math.round(10 * samples[name]!.at(-1)!.value) / 10;
    const shown = Object.keys(samples).map((name) => `${name} ${last(name)}`);
    console.log(`${Math.round(atMs / 1_000)} s: ${JSON.stringify(counts)} ${shown.join(", ")}`);
  });
  const collecting = Effect.gen(function* () {
    yield* Effect.sleep(COLLECTED_MS);
    for (const name of COMPANIES) {
      const { heapMib, residentMib } = yield* Effect.promise(collectors[name]);
      const atMs = performance.now() - startMs;
      note(`${name}.heapMib`, heapMib, atMs);
      note(`${name}.collectedMib`, residentMib, atMs);
    }
  });
  yield* Effect.forkScoped(Effect.forever(collecting));
  yield* Effect.forkScoped(
    Effect.forever(Effect.catchCause(sampling, (cause) => Effect.sync(() => failed("uploadsFailed", String(cause))))),
  );
  yield* Effect.all(
    [
      often(callsPerSecond, endMs, (n) => (n % 2 === 0 ? callA : callB)(Math.floor(n / 2))),
      often(uploadsPerSecond / 2, endMs, (n) => run(upload(n))),
    ],
    { concurrency: "unbounded", discard: true },
  );
  yield* Effect.sleep(HOLD_MS[1] + 2_000);
});

await Effect.runPromise(Effect.scoped(story).pipe(Effect.provide(nodeLayer())) as Effect.Effect<void>);
const slopes = Object.fromEntries(Object.entries(samples).map(([name, all]) => [name, slopeOf(all)]));
console.log(JSON.stringify({ minutes, ...counts, why: Object.fromEntries(why), ...slopes }));
process.exit(counts.callsFailed + counts.uploadsFailed === 0 ? 0 : 1);
