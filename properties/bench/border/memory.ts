/** What a call that is up costs a border element's core, and that nothing is left of it. */
import type { SipRequest } from "../../../codecs/sip/mod.ts";
import { byBob, follow, request, response } from "../../border/dialog.ts";
import { ACME, AGENT, outer, ticketFor, World } from "../../border/world.ts";
import { heapBytesOf } from "../kit.ts";

const CALLS = 10_000;
/** Longer than any transaction. */
const OVER_MS = 60_000;

const upIn = (world: World, ticket: string, i: number) => {
  const words = { callId: `call-${i}@198.51.100.7`, branch: `z9hG4bK-bench-${i}`, ticket };
  const invite = request(world.from(ACME, outer("INVITE", words)));
  world.from(AGENT, byBob(invite, 180, `bob${i}`));
  const ok = response(world.from(AGENT, byBob(invite, 200, `bob${i}`)));
  world.orders.length = 0;
  world.nowMs += 1;
  return { invite, ok, i };
};

const worldOf = (calls: number) => new World({ limits: { callsOfDomain: calls, callsPerSecond: calls } });

/** Bytes of a call under way, of so many. */
export const bytesOfCall = async (count: number = CALLS): Promise<number> => {
  const ticket = ticketFor();
  const bytes = await heapBytesOf(() => {
    const world = worldOf(count);
    for (let i = 0; i < count; i++) upIn(world, ticket, i);
    return world;
  });
  const left = leftAfter(ticket, 100);
  if (left !== NOTHING) throw new Error(`after the last call is over there is ${left}`);
  return bytes / count;
};

/** What the core holds when so many calls have been hung up and their transactions are over. */
const leftAfter = (ticket: string, calls: number): string => {
  const world = worldOf(calls);
  const all = Array.from({ length: calls }, (_, i) => upIn(world, ticket, i));
  for (const { invite, ok, i } of all) {
    world.from(ACME, follow(outer, "ACK", invite, ok, { cseq: 1, branch: `z9hG4bK-ack-${i}` }));
    const bye = world.from(ACME, follow(outer, "BYE", invite, ok, { branch: `z9hG4bK-bye-${i}` }));
    world.from(AGENT, byBob(bye.at(-1)!.message as SipRequest, 200, `bob${i}`, ""));
  }
  world.pass(OVER_MS);
  return JSON.stringify(world.core.size);
};
const NOTHING = JSON.stringify({ transactions: 0, calls: 0, bytes: 0, waiting: 0 });
