/** What a call that is up costs a call agent's proxy core. */
import type { SipRequest } from "../../../codecs/sip/mod.ts";
import { answer, invite, PBX, TRUNK, World } from "../../proxy/world.ts";
import { heapBytesOf } from "../kit.ts";

const CALLS_UNDER_WAY = 10_000;

/** Bytes of a call that is up, of so many. */
export const bytesOfCall = async (count: number = CALLS_UNDER_WAY): Promise<number> => {
  const bytes = await heapBytesOf(() => {
    const world = new World({ limits: { sameCallMax: count } });
    for (let i = 0; i < count; i++) {
      const sent = world.from(PBX, invite({ callId: `call-${i}@192.0.2.11`, branch: `z9hG4bK-bench-${i}` }));
      const out = sent.at(-1)!.message as SipRequest;
      world.from(TRUNK, answer(out, 180));
      world.from(TRUNK, answer(out, 200));
      world.orders.length = 0;
      world.saved.clear();
      world.nowMs += 1;
    }
    return world;
  });
  return bytes / count;
};
