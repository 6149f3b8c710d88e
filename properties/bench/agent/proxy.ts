/**
 * The proxy that the bench starts in a process of its own: UDP, record-routing, each record written to SQLite.
 *
 *   node properties/bench/agent/proxy.ts PORT UAC_PORT UAS_PORT FOLDER
 */
import { join } from "node:path";
import process from "node:process";
import { Effect, Logger } from "effect";
import { serveAgentProxy } from "../../../actors/proxy/mod.ts";
import { utf8 } from "../../../codecs/shared/mod.ts";
import { nodeLayer, openSqlite } from "../../../runtime/node.ts";

const [port, uac, uas, folder = "."] = process.argv.slice(2);
const HOST = "127.0.0.1";
const peer = (name: string, side: "pbx" | "trunk", port: number) =>
  ({ name, side, transport: "UDP", host: HOST, port }) as const;

const program = Effect.gen(function* () {
  const store = yield* openSqlite({ file: join(folder, "calls.sqlite") });
  const proxy = yield* serveAgentProxy({
    listen: [{ transport: "UDP", host: HOST, port: Number(port) }],
    peers: [peer("pbx", "pbx", Number(uac)), peer("trunk", "trunk", Number(uas))],
    route: () => ({ trunks: ["trunk"] }),
    record: (reports, also) =>
      store.write([
        ...reports.map(({ id, startMs, stopMs, from, requestUri }) => ({
          type: "put" as const,
          table: "records",
          key: utf8(id),
          value: utf8(JSON.stringify([startMs, stopMs, from, requestUri])),
        })),
        ...also,
      ]),
    store,
  });
  console.log("ready");
  process.on("SIGUSR2", () => console.log(JSON.stringify({ ...proxy.counters(), memory: process.memoryUsage() })));
  process.on("SIGTERM", () => process.exit(0));
  yield* Effect.never;
});
Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(nodeLayer()), Effect.provide(Logger.layer([])))).catch(
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
