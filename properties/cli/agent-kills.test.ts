/**
 * `vipr agent` is killed at random moments while calls are set up and hung up through it. Each call that its phones saw
 * answered and hung up has one record at the ViPR server, with the phones' times. `VIPR_KILLS` says how often it is killed,
 * `VIPR_SEED` when.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import process from "node:process";
import { Effect, Fiber, FiberSet, Queue } from "effect";
import { Datagrams } from "../../actors/ports/mod.ts";
import { ANSWER_HELD_MS_MAX } from "../../actors/proxy/mod.ts";
import { serveVap, type VapHandlers } from "../../actors/vap/mod.ts";
import type { Vcr } from "../../codecs/shared/mod.ts";
import {
  headerOf,
  printSip,
  readDatagram,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "../../codecs/sip/mod.ts";
import { chanceOf } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { answer, invite, within } from "../proxy/world.ts";
import { HOST, PASSWORD, PBX_HOST, TRUNK_HOST, writeAgentConfig } from "./agent-config.ts";
import { start, withFolder } from "./processes.ts";

const KILLS = Number(process.env.VIPR_KILLS ?? 2);
const SEED = Number(process.env.VIPR_SEED ?? 7);
/** Calls at once. */
const CALLERS = 6;
const AGAIN_MS = 250;
const LIVES_MS = [150, 1_500] as const;
/** The agent sees each event after one phone and before the other, by the same clock; this much is for rounding. */
const CLOCK_MS = 5;

/** What the phones saw of a call: from when to when its answer and its end can be. */
interface SeenCall {
  readonly callId: string;
  readonly called: string;
  /** From the first 200 that the trunk sends to the one that the PBX takes. */
  answeredMs: [number, number];
  /** From the BYE that the PBX sends to the 200 that it takes. */
  hungUpMs: [number, number];
}

/** Both phones: the trunk answers at once, the PBX calls one number after another, and each repeats what is not answered. */
const openPhones = Effect.fn("test.phones")(function* (agent: { readonly host: string; readonly port: number }) {
  const calls = new Map<string, SeenCall>();
  const waiting = new Map<string, Queue.Queue<SipResponse>>();
  const open = Effect.fnUntraced(function* (host: string, received: (message: SipMessage) => void) {
    return yield* (yield* Datagrams).open(
      { host, port: 0 },
      {
        received: (bytes) => {
          const found = readDatagram(bytes);
          if (found !== undefined && "type" in found) received(found);
        },
        failed: () => {},
      },
    );
  });
  const trunk: { port: number; send: (bytes: Uint8Array, host: string, port: number) => void } = yield* open(
    TRUNK_HOST,
    (message) => {
      if (message.type !== "request" || message.method === "ACK") return;
      const seen = calls.get(headerOf(message, "Call-ID") ?? "");
      if (seen === undefined) return;
      if (message.method === "INVITE" && seen.answeredMs[0] === 0) seen.answeredMs[0] = Date.now();
      const contact = `<sip:trunk@${TRUNK_HOST}:${trunk.port}>`;
      trunk.send(printSip(answer(message, 200, { contact })), agent.host, agent.port);
    },
  );
  const pbx = yield* open(PBX_HOST, (message) => {
    if (message.type !== "response" || message.status < 200) return;
    const queue = waiting.get(`${headerOf(message, "Call-ID")} ${headerOf(message, "CSeq")?.split(" ")[1]}`);
    if (queue !== undefined) Queue.offerUnsafe(queue, message);
  });
  const via = `SIP/2.0/UDP ${PBX_HOST}:${pbx.port}`;
  const send = (message: SipMessage) => Effect.sync(() => pbx.send(printSip(message), agent.host, agent.port));
  /** Sent again and again until there is a 200: other final responses come while the agent is being started again. */
  const accepted = Effect.fnUntraced(function* (request: SipRequest, callId: string) {
    const queue = yield* Queue.unbounded<SipResponse>();
    const key = `${callId} ${request.method}`;
    waiting.set(key, queue);
    while (true) {
      yield* send(request);
      const found = yield* Effect.timeoutOption(Queue.take(queue), AGAIN_MS);
      if (found._tag === "Some" && found.value.status === 200) {
        waiting.delete(key);
        return found.value;
      }
    }
  });
  let count = 0;
  const call = (holdMs: number) =>
    Effect.gen(function* () {
      const n = count++;
      const callId = `kills-${n}`;
      const called = `+4930${String(5_550_000 + n)}`;
      const seen: SeenCall = { callId, called, answeredMs: [0, 0], hungUpMs: [0, 0] };
      calls.set(callId, seen);
      const out = invite({
        uri: `sip:${called}@192.0.2.1`,
        to: `<sip:${called}@192.0.2.1>`,
        via: `${via};branch=z9hG4bK-${callId}`,
        callId,
        contact: `<sip:pbx@${PBX_HOST}:${pbx.port}>`,
      });
      const response = yield* accepted(out, callId);
      seen.answeredMs[1] = Date.now();
      yield* send(within("ACK", out, response, { via, branch: `z9hG4bK-ack-${n}` }));
      yield* Effect.sleep(holdMs);
      seen.hungUpMs[0] = Date.now();
      yield* accepted(within("BYE", out, response, { via, branch: `z9hG4bK-bye-${n}` }), callId);
      seen.hungUpMs[1] = Date.now();
    });
  return { pbxPort: pbx.port, trunkPort: trunk.port, call, calls };
});

const killAgents = Effect.fn("test.kills")(function* (folder: string) {
  const chance = chanceOf(SEED);
  const between = (min: number, max: number) => chance.between(min, max);
  const records = new Map<string, Array<Vcr>>();
  const handlers: VapHandlers = {
    publishVService: () => Effect.succeed({ quotaLimit: 100, quotaCurrent: 7, dhtLifetimeS: 3_600 }),
    withdrawVService: () => Effect.void,
    publishNumber: () => Effect.void,
    uploadVcr: (vcr) => Effect.sync(() => void records.set(vcr.called, [...(records.get(vcr.called) ?? []), vcr])),
  };
  const server = yield* serveVap({ host: HOST, port: 0, users: { pbx: PASSWORD } }, handlers);
  const port = yield* Effect.promise(freePort);
  const phones = yield* openPhones({ host: HOST, port });
  const ports = { server: server.port, agent: port, pbx: phones.pbxPort, trunk: phones.trunkPort };
  const config = writeAgentConfig(folder, ports);
  const agentOf = Effect.fnUntraced(function* () {
    const agent = start(["agent", "--config", config]);
    yield* Effect.promise(() => agent.said(/routes +\d/));
    return agent;
  });
  let isEnding = false;
  const caller = Effect.gen(function* () {
    while (!isEnding) yield* phones.call(between(20, 500));
  });
  const callers = yield* FiberSet.make<void, unknown>();
  let agent = yield* agentOf();
  const running: Array<Fiber.Fiber<void, unknown>> = [];
  for (let i = 0; i < CALLERS; i++) running.push(yield* FiberSet.run(callers, caller as Effect.Effect<void, unknown>));
  for (let kill = 0; kill < KILLS; kill++) {
    yield* Effect.sleep(between(...LIVES_MS));
    yield* Effect.promise(() => agent.kill("SIGKILL"));
    agent = yield* agentOf();
  }
  isEnding = true;
  for (const one of running) yield* Fiber.join(one);
  const over = [...phones.calls.values()];
  const missing = () => over.filter(({ called }) => records.get(called) === undefined);
  // An agent that was started on a busy machine may have to try its server more than once.
  for (let i = 0; i < 3_000 && missing().length > 0; i++) yield* Effect.sleep(20);
  yield* Effect.promise(() => agent.kill("SIGTERM"));

  ok(over.length > KILLS, `${over.length} calls`);
  // An answer that the disk held up for longer than the proxy waits has gone on before it was stored.
  const lost = missing().filter(({ answeredMs: [from, to] }) => to - from < ANSWER_HELD_MS_MAX - 50);
  same(lost, [], `seed ${SEED}: calls without a record`);
  for (const { called, answeredMs, hungUpMs } of over) {
    const found = records.get(called) ?? [];
    same(
      new Set(found.map(({ startMs, stopMs }) => `${startMs} ${stopMs}`)).size <= 1,
      true,
      `seed ${SEED}: two records`,
    );
    for (const { startMs, stopMs } of found) {
      const isNear = (ms: number, [from, to]: readonly [number, number]) => ms > from - CLOCK_MS && ms < to + CLOCK_MS;
      ok(
        isNear(startMs, answeredMs) && isNear(stopMs, hungUpMs),
        `seed ${SEED}: ${startMs} ${stopMs}, ${answeredMs} ${hungUpMs}`,
      );
    }
  }
  if (process.env.VIPR_KILLS !== undefined)
    console.log(`${KILLS} kills, ${over.length} calls, ${missing().length} without a record, seed ${SEED}`);
});

test("agent: killed at random moments under load, each call has its record, once, with its times", () =>
  withFolder((folder) =>
    Effect.runPromise(Effect.scoped(Effect.provide(killAgents(folder), nodeLayer())) as Effect.Effect<void>),
  ));
