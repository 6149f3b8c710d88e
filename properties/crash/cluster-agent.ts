/**
 * A call agent of the crash run with several machines. As agent.ts, and it uploads once more what an agent before it had
 * acknowledged by another server: `again`.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { Effect, Logger, Queue } from "effect";
import { connectVap } from "../../actors/vap/mod.ts";
import { vserviceId } from "../../codecs/shared/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { AT_ONCE, OVERLAY } from "./calls.ts";
import { AGENTS, agentOf, clusterRecord, NUMBERS_A, NUMBERS_B, VSERVICE_B, VSERVICES_A } from "./cluster-calls.ts";
import type { ClusterAgentOrder } from "./cluster-world.ts";

const AGAIN_MS = 50;
const order = JSON.parse(process.argv[2]!) as ClusterAgentOrder;
const { company, agent: index, port, password, everyMs } = order;
const say = (line: string) => writeSync(1, `${line}\n`);

const story = Effect.gen(function* () {
  const isA = company === "a";
  const agent = yield* connectVap({
    host: "127.0.0.1",
    port,
    username: "pbx",
    password,
    name: `crash/${index}`,
    vservice: vserviceId(isA ? VSERVICES_A[index]! : VSERVICE_B),
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
      Effect.flatMap(Queue.take(agent.learned), ({ number }) => Effect.sync(() => say(`learned ${number}`))),
    ),
  );
  yield* Effect.forkScoped(agent.publishNumbers(isA ? NUMBERS_A[index]! : NUMBERS_B));
  const upload = (n: number) =>
    Effect.eventually(
      Effect.catch(agent.uploadVcr(clusterRecord(company, n)), () =>
        Effect.andThen(Effect.sleep(AGAIN_MS), Effect.andThen(Effect.ignore(publish), Effect.fail("again"))),
      ),
    );
  for (const n of order.again) yield* upload(n);
  let next = order.from;
  const isOurs = (n: number) => !isA || agentOf(n) === index;
  const one = Effect.gen(function* () {
    while (!isOurs(next)) next += 1;
    const n = next++;
    yield* upload(n);
    say(`ack ${n}`);
    yield* Effect.sleep(everyMs * (isA ? AGENTS : 1));
  });
  yield* Effect.forEach(Array(AT_ONCE).keys(), () => Effect.forever(one), { concurrency: "unbounded", discard: true });
});
await Effect.runPromise(
  Effect.scoped(story).pipe(Effect.provide(nodeLayer()), Effect.provide(Logger.layer([]))) as Effect.Effect<void>,
);
