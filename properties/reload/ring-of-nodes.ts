/** Overlays for tests: an authority, certificates, and nodes on virtual time in the runtime of memory. */

import { Clock, Effect, Exit, Scope } from "effect";
import { type Credentials, type Dialer, type Entropy, Keys, type Listener } from "../../actors/ports/mod.ts";
import { type JoinFailed, type NodeOptions, type OverlayNode, startNode } from "../../actors/reload/mod.ts";
import { type OverlayConfiguration, viprOverlay } from "../../codecs/overlay/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { bigOf, nodeIdFrom, nodeIdText } from "../../codecs/shared/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { chanceOf, type MemoryOptions, memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { longTest, test } from "../kit/harness.ts";

export type World = Dialer | Entropy | Keys | Listener | Scope.Scope;
const DAY_MS = 86_400_000;

/** A node that can be ended before the rest of the overlay is. */
export interface Member extends OverlayNode {
  readonly end: Effect.Effect<void>;
}

export interface Overlay {
  readonly configuration: OverlayConfiguration;
  /** Neighbours a side of every member. */
  readonly neighbours: number;
  readonly members: Array<Member>;
  /** One certificate, for one Node-ID or several. */
  readonly issue: (
    nodeIds: bigint | ReadonlyArray<bigint>,
    overlay?: string,
    users?: ReadonlyArray<string>,
  ) => Effect.Effect<Credentials>;
  /** A further node with a drawn Node-ID, joining through the first. */
  readonly join: (options?: Partial<NodeOptions>) => Effect.Effect<Member, JoinFailed, World>;
  /** The certificates that node was started with. */
  readonly shown: (nodeId: bigint) => ReadonlyArray<Uint8Array>;
  /** Node-IDs in the order of the ring. */
  readonly ids: () => ReadonlyArray<NodeId>;
}

export const NAME = "ring.example";
/** Neighbours a side: few, so that a small overlay already routes over several hops, and tests stay quick. */
const NEIGHBOURS = 3;

/** An overlay with one node, which formed it alone. */
export const overlayOf = Effect.fn(function* (
  seed: number,
  given: Partial<OverlayConfiguration> = {},
  options: Partial<NodeOptions> = {},
) {
  const chance = chanceOf(seed);
  const nowMs = yield* Clock.currentTimeMillis;
  const keys = yield* Keys;
  const authority = yield* makeAuthority({ name: "authority of the ring", nowMs });
  const issue: Overlay["issue"] = Effect.fnUntraced(function* (nodeIds, overlay = NAME, emails = []) {
    const key = yield* keys.generate;
    const certificate = yield* Effect.orDie(
      authority.issue({
        csr: yield* keys.certificateRequest(key),
        uris: [nodeIds].flat().map((nodeId) => `reload://${nodeIdText(nodeIdFrom(nodeId))}@${overlay}/`),
        dnsNames: [],
        emails,
        notBeforeMs: nowMs,
        notAfterMs: nowMs + DAY_MS,
      }),
    );
    return { key, certificates: [certificate], roots: [authority.root] } satisfies Credentials;
  });
  const members: Array<Member> = [];
  const shown = new Map<bigint, ReadonlyArray<Uint8Array>>();
  const plain = viprOverlay({ name: NAME, sequence: 1, storesPerSecond: 10_000, fetchesPerSecond: 10_000, ...given });
  const join: Overlay["join"] = Effect.fnUntraced(function* (more = {}) {
    const scope = yield* Scope.fork(yield* Effect.scope);
    const [first] = members;
    const bootstrapNodes = first === undefined ? [] : [{ host: first.host, port: first.port }];
    const credentials = more.credentials ?? (yield* issue(bigOf(chance.bytes(16))));
    const node = yield* Effect.provideService(
      startNode({
        credentials,
        overlay: { ...plain, bootstrapNodes },
        listen: { host: "127.0.0.1", port: 0 },
        publishesCertificate: false, // tests count what is stored
        ...options,
        ...more,
        limits: { neighbours: NEIGHBOURS, ...options.limits, ...more.limits },
      }),
      Scope.Scope,
      scope,
    );
    const member: Member = { ...node, end: Scope.close(scope, Exit.void) };
    members.push(member);
    shown.set(member.nodeId, credentials.certificates);
    return member;
  });
  yield* join();
  const ids = () => members.map(({ nodeId }) => nodeId).toSorted((a, b) => (a < b ? -1 : 1));
  const neighbours = options.limits?.neighbours ?? NEIGHBOURS;
  return {
    configuration: plain,
    neighbours,
    members,
    issue,
    join,
    ids,
    shown: (nodeId) => shown.get(nodeId)!,
  } satisfies Overlay;
});

/** A test in a world of its own. */
export const testOverlay = (
  name: string,
  body: Effect.Effect<unknown, unknown, World>,
  options: Partial<MemoryOptions> = {},
  play = test,
): void =>
  play(name, async () => {
    const layer = memoryLayer({ seed: 7, ...options });
    await runVirtual(Effect.provide(Effect.scoped(body), layer) as Effect.Effect<unknown, unknown>);
  });

/** One of several of a kind that last long. */
export const longOverlay: typeof testOverlay = (name, body, options) => testOverlay(name, body, options, longTest);
