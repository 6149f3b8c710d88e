/**
 * Steps of the project's machines beside the same definitions in XState's own actor: ours by `start` and `step`, XState's by
 * `createActor(xstateOf(machine))` and `send`, over the same events. Orders are made and not performed on both sides.
 */

import { createActor } from "xstate";
import type { FramedMessage } from "../../codecs/reload/mod.ts";
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import type { Machine } from "../../machines/kit/mod.ts";
import { xstateOf } from "../../machines/kit/xstate.ts";
import { type ReloadLinkEvent, reloadLink, reloadTransaction } from "../../machines/reload/mod.ts";
import { type AnswerEvent, answer } from "../../machines/sip/mod.ts";
import { vapTransaction } from "../../machines/vap/mod.ts";
import { type Contest, rateOf } from "./kit.ts";

const STEADY_EVENTS = 600;
const AIM = 20;

/** One life: a start, the events, and what they order. */
interface Life<I, E> {
  readonly name: string;
  readonly machine: Machine<I, E, object>;
  readonly input: I;
  readonly events: ReadonlyArray<E>;
}

const contestOf = <I, E>({ name, machine, input, events }: Life<I, E>): Contest => {
  const ours = (): number => {
    let now = machine.start(input);
    let orders = now.actions.length;
    for (const event of events) {
      now = machine.step(now.snapshot, event);
      orders += now.actions.length;
    }
    return orders;
  };
  const peer = (): string => {
    const actor = createActor(xstateOf(machine), { input } as never).start();
    for (const event of events) actor.send(event as never);
    return actor.getSnapshot().status;
  };
  if (ours() === 0) throw new Error(`${name}: nothing is ordered`);
  const perEvent = (rate: number) => rate * (events.length + 1);
  return {
    name: `machine: ${name}`,
    unit: "1/s",
    peerName: "XState createActor().send",
    aim: AIM,
    ours: () => perEvent(rateOf(ours)),
    peer: () => perEvent(rateOf(peer)),
  };
};

const message = new Uint8Array(200);
/** What a link sees under load: a message goes out, its acknowledgement comes, and a message of the neighbour's. */
const linkEvents = (i: number): ReadonlyArray<ReloadLinkEvent> => {
  const atMs = 20 * i;
  const ack: FramedMessage = { type: "ack", frame: { sequence: i, received: 0xffff_ffff } };
  return [
    { type: "outgoing", message, atMs },
    { type: "framed", frame: ack, atMs: atMs + 15 },
    { type: "framed", frame: { type: "data", frame: { sequence: 7 + i, message } }, atMs: atMs + 17 },
  ];
};
const callEvents: ReadonlyArray<AnswerEvent> = [
  { type: "timerFired", timer: "answer" },
  { type: "acked" },
  { type: "hungUp" },
];

export const contests: ReadonlyArray<Contest> = [
  contestOf({
    name: "steady state of reloadLink",
    machine: reloadLink,
    input: { rtoMsMin: 1_000, holdMs: 30_000 },
    events: Array.from({ length: STEADY_EVENTS / 3 }, (_, i) => linkEvents(i)).flat(),
  }),
  contestOf({
    name: "vapTransaction, a whole request",
    machine: vapTransaction,
    input: { request: { type: "unregister", value: {} } as never, transactionId: message.slice(0, 12), timeoutMs: 500 },
    events: [{ type: "lost", why: "closed" }],
  }),
  contestOf({
    name: "answer, a whole call",
    machine: answer,
    input: { unwelcome: undefined, answerMs: 1_000, t1Ms: 500, talkMsMax: 3_600_000 },
    events: callEvents,
  }),
  contestOf({
    name: "reloadTransaction, a whole request",
    machine: reloadTransaction,
    input: { retransmitMs: 3_000 },
    events: [
      { type: "timerFired", timer: "retransmit" },
      { type: "answered", signer: nodeIdFrom(5n), body: { type: "pingAns", value: { responseId: 1n, time: 2n } } },
    ],
  }),
];
