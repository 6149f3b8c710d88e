/**
 * A call agent that the crash run kills: it uploads one call record after another, some at once, until it dies. Each line that
 * it prints is something that it knows: `up`, `ack N` (the record of call N is acknowledged), `refused CODE WHY`,
 * `learned NUMBER TICKET`.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { Effect, Logger, Queue } from "effect";
import { connectVap } from "../../actors/vap/mod.ts";
import { vserviceId } from "../../codecs/shared/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { type AgentOrder, AT_ONCE, NUMBERS, OVERLAY, recordOf, VSERVICE } from "./calls.ts";

const AGAIN_MS = 50;

const { company, port, password, from, everyMs } = JSON.parse(process.argv[2]!) as AgentOrder;
const say = (line: string) => writeSync(1, `${line}\n`);

const story = Effect.gen(function* () {
  const agent = yield* connectVap({
    host: "127.0.0.1",
    port,
    username: "pbx",
    password,
    name: "crash/1",
    vservice: vserviceId(VSERVICE[company]),
    timeoutMs: 5_000,
    reconnectMs: [20, 60],
  });
  const domain = `${company}.example`;
  const routes = [{ sipUris: [`sip:x@${domain}:5061;maddr=192.0.2.1;transport=tls`] }];
  const publish = agent.publishVService({ id: "crash", dhtName: OVERLAY, didCount: 10, domain, routes });
  yield* Effect.eventually(Effect.tapError(publish, () => Effect.sleep(AGAIN_MS)));
  say("up");
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.flatMap(Queue.take(agent.learned), ({ number, ticket }) =>
        Effect.sync(() => say(`learned ${number} ${ticket}`)),
      ),
    ),
  );
  yield* Effect.forkScoped(agent.publishNumbers(NUMBERS[company]));
  let next = from;
  const one = Effect.gen(function* () {
    const n = next++;
    // The server forgets VServices when it dies: until this one is published again it refuses the upload.
    const upload = Effect.catch(agent.uploadVcr(recordOf(company, n)), ({ code, reason, why }) => {
      say(`refused ${code ?? reason} ${why}`);
      return Effect.andThen(Effect.sleep(AGAIN_MS), Effect.andThen(Effect.ignore(publish), Effect.fail("again")));
    });
    yield* Effect.eventually(upload);
    say(`ack ${n}`);
    yield* Effect.sleep(everyMs);
  });
  yield* Effect.forEach(Array(AT_ONCE).keys(), () => Effect.forever(one), { concurrency: "unbounded", discard: true });
});
await Effect.runPromise(
  Effect.scoped(story).pipe(Effect.provide(nodeLayer()), Effect.provide(Logger.layer([]))) as Effect.Effect<void>,
);
