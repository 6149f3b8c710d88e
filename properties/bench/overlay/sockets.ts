/**
 * Whole nodes on sockets with TLS, all of this process, with certificates of an authority and Node's own ports: for the rows
 * that count what the simulated streams leave out, and for `npm run joins`.
 */
import { createHash } from "node:crypto";
import { Effect, Exit, Layer, Logger, ManagedRuntime, Scope } from "effect";
import { encodeRegistration, encodeRegistrationKey, kindId } from "../../../codecs/reload/mod.ts";
import { vserviceId } from "../../../codecs/shared/mod.ts";
import { nodeLayer } from "../../../runtime/node.ts";
import { overlayOf } from "../../reload/ring-of-nodes.ts";
import type { LookUpRing } from "./ring.ts";

/** As a node has them whose operator says nothing, but that it does not wait for its Leave when the ring is taken down. */
const LIMITS = { neighbours: 20, leaveMs: 0 };
const KIND = kindId.viprRegistration;
const HOUR_S = 3_600;

export interface SocketRing extends LookUpRing {
  /** One further node; done when it has its place in the ring. */
  readonly join: () => Promise<void>;
  readonly size: () => number;
}

const resourceOf = (value: number): Uint8Array =>
  createHash("sha256").update(`value ${value}`).digest().subarray(0, 16);

/** A ring of one node. */
export const openSocketRing = async (): Promise<SocketRing> => {
  const scope = Scope.makeUnsafe();
  const runtime = ManagedRuntime.make(Layer.mergeAll(nodeLayer(), Layer.succeed(Scope.Scope, scope), Logger.layer([])));
  const overlay = await runtime.runPromise(overlayOf(1, {}, { limits: LIMITS }));
  const memberAt = (at: number) => overlay.members[at % overlay.members.length]!;
  const storing = Effect.fnUntraced(function* (value: number) {
    const { nodeId, store } = memberAt(value);
    yield* store({
      resourceId: resourceOf(value),
      kind: KIND,
      key: encodeRegistrationKey({ nodeId, vservice: vserviceId(1n) }),
      value: encodeRegistration(nodeId),
      exists: true,
      lifetimeS: HOUR_S,
    });
  });
  return {
    join: async () => void (await runtime.runPromise(overlay.join())),
    size: () => overlay.members.length,
    storeAll: async (count) => {
      for (let value = 0; value < count; value++) await runtime.runPromise(storing(value));
    },
    lookUp: async (node, value) => {
      const found = await runtime.runPromise(memberAt(node).fetch({ resourceId: resourceOf(value), kind: KIND }));
      if (found.length !== 1) throw new Error(`value ${value} is there ${found.length} times`);
    },
    close: async () => {
      await runtime.runPromise(Scope.close(scope, Exit.void));
      await runtime.dispose();
    },
  };
};
