/** What comes of the calls of a proxy under test: records in an outbox, uploaded to a ViPR server's VAP side, acknowledged. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect } from "effect";
import { openOutbox, openUploads } from "../../actors/agent/mod.ts";
import type { StoreShape } from "../../actors/ports/mod.ts";
import type { AgentProxyOptions } from "../../actors/proxy/mod.ts";
import { connectVap, serveVap } from "../../actors/vap/mod.ts";
import { type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { vcrOfCall } from "../../machines/agent/mod.ts";
import type { CallReport } from "../../machines/proxy/mod.ts";
import { readConfig } from "../../runtime/config/mod.ts";
import { HOST } from "./peers.ts";
import { CALLER } from "./sipp.ts";

/** What a proxy's calls came to: its own reports, and the records that the ViPR server has acknowledged. */
export interface Records {
  readonly reports: Array<CallReport>;
  readonly uploaded: Array<Vcr>;
}

const VSERVICE = vserviceId(7n);
const ACCOUNT = { username: "pbx", password: "of the interop" };
const COMPANY = '[numbers]\ncountry = "US"\nown = ["+14085550200..+14085550209"]\n';

/** A ViPR server's VAP side, a session with it, and an outbox before that: as `vipr agent` has them. */
export const openRecords = Effect.fn("interop.records")(function* (store: StoreShape) {
  const reading = readConfig({ file: "vipr.toml", text: COMPANY });
  if (reading.type === "refused") throw new Error(reading.faults.map(({ why }) => why).join());
  const { plan } = reading.configuration;
  const made: Records = { reports: [], uploaded: [] };
  const server = yield* serveVap(
    { host: HOST, port: 0, users: { [ACCOUNT.username]: ACCOUNT.password } },
    {
      publishVService: () => Effect.succeed({ quotaLimit: 100, quotaCurrent: 0, dhtLifetimeS: 3_600 }),
      withdrawVService: () => Effect.void,
      publishNumber: () => Effect.void,
      uploadVcr: (vcr) => Effect.sync(() => void made.uploaded.push(vcr)),
    },
  );
  const client = yield* connectVap({ host: HOST, port: server.port, ...ACCOUNT, name: "interop", vservice: VSERVICE });
  yield* client.publishVService({
    id: "interop",
    dhtName: "interop.example",
    didCount: 10,
    domain: "acme.example",
    routes: [{ sipUris: ["sip:x@acme.example:5061;maddr=192.0.2.1;transport=tls"] }],
  });
  const outbox = yield* openOutbox({ store, upload: (yield* openUploads(client)).upload });
  const record: AgentProxyOptions["record"] = (reports, forget) => {
    made.reports.push(...reports);
    const vcrs = reports.flatMap((report) => {
      const judged = vcrOfCall(plan, report, VSERVICE);
      return "vcr" in judged ? [judged.vcr] : [];
    });
    return outbox.put(vcrs, forget);
  };
  return { made, record };
});

/**
 * So many records uploaded and acknowledged, each with a called number of its own and our caller, a start before its end, and
 * the trunk that carried it.
 */
export const recorded = ({ reports, uploaded }: Records, count: number, trunk?: string) =>
  Effect.gen(function* () {
    for (let i = 0; i < 500 && uploaded.length < count; i++) yield* Effect.sleep(10);
    same([reports.length, uploaded.length], [count, count]);
    const nowMs = yield* Clock.currentTimeMillis;
    const made = new Map(reports.map((report) => [numberOf(report.requestUri), report]));
    same(made.size, count);
    for (const { direction, calling, called, startMs, stopMs } of uploaded) {
      const { trunk: by, startMs: start, stopMs: stop } = made.get(called)!;
      same([direction, calling, by, startMs, stopMs], ["sent", CALLER, trunk ?? "trunk1", start, stop]);
      ok(startMs <= stopMs && stopMs <= nowMs && nowMs - startMs < 60_000);
    }
    same(new Set(uploaded.map(({ called }) => called)).size, count);
  });
const numberOf = (uri: string) => /\+\d+/.exec(uri)?.[0];
