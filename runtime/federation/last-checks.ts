/**
 * What is looked at when all is whole and quiet: the ring, the configuration, the claims to each number, what is on the disks,
 * the records that wait; and, while certificates of nodes have ended, that nobody believes them.
 */
import { Clock, Effect } from "effect";
import { allRows } from "../../actors/kit/mod.ts";
import { claimsOf, type OverlayNode, VALUES_TABLE } from "../../actors/reload/mod.ts";
import { readStoredRow, type StoredData } from "../../codecs/reload/mod.ts";
import { bigOf, bytesOfBig, e164, type NodeId, nodeIdText } from "../../codecs/shared/mod.ts";
import type { Federation, Party } from "./party.ts";

const ID_BYTES = 16;
const RING = 1n << 128n;
const RANDOM_KEYS = 8;
/** Two looks of a node's storage at what has ended, once a minute each. */
const ENDED_MS = 120_000;

export const checkRing = Effect.fn("federation.ring")(function* (federation: Federation) {
  const { checks, parties, overlay, others, plan } = federation;
  const nodes: Array<OverlayNode> = [overlay.operator, ...others];
  for (const { life } of parties.values()) nodes.push(...(life?.running.server.nodes ?? []));
  for (const { name } of plan.companies)
    if (parties.get(name)?.life === undefined) checks.violated("ring", `${name}'s nodes do not come into the ring`);
  const ids = nodes.map(({ nodeId }) => nodeId).sort((a, b) => (a < b ? -1 : 1));
  for (const node of nodes) {
    const { successors, predecessors } = yield* node.status;
    const at = ids.indexOf(node.nodeId);
    if (ids.length === 1) break;
    const next = ids[(at + 1) % ids.length]!;
    const before = ids.at(at - 1)!;
    if (successors[0] !== next || predecessors[0] !== before)
      checks.violated("ring", `${nameOf(federation, node)} has other neighbours than the ring of ${ids.length} nodes`);
  }
  const { sequence } = overlay.operator.configuration.now();
  for (const node of nodes)
    if (node.configuration.now().sequence !== sequence)
      checks.violated("ring", `${nameOf(federation, node)} has not the configuration ${sequence}`);
  yield* checkOwners(federation, nodes, ids);
  yield* checkClaims(federation, nodes);
  yield* checkDisks(federation);
  for (const { name, life } of parties.values()) {
    if (life === undefined) continue;
    const { pending, underWay } = yield* life.running.server.counters;
    checks.waiting(name, pending + underWay);
  }
});

/**
 * One peer answers for each key, whoever asks: the first at or after it on the ring, RFC 6940 §10.1. Each is asked for
 * every peer's own identifier; some for those beside it and for random ones.
 */
const checkOwners = Effect.fnUntraced(function* (
  federation: Federation,
  nodes: ReadonlyArray<OverlayNode>,
  ids: ReadonlyArray<NodeId>,
) {
  const { checks, world } = federation;
  const random = Array.from({ length: RANDOM_KEYS }, () => bigOf(world.chance.bytes(ID_BYTES)));
  const beside = ids.flatMap((id) => [id - 1n, id + 1n]).filter((key) => key >= 0n && key < RING);
  const questions = [
    ...ids.flatMap((key) => nodes.map((asker) => ({ key: key as bigint, asker }))),
    ...[...beside, ...random].map((key, i) => ({ key, asker: nodes[i % nodes.length]! })),
  ];
  for (const { key, asker } of questions) {
    const owner = ids.find((id) => id >= key) ?? ids[0]!;
    const ping = asker.ping({ resourceId: bytesOfBig(key, ID_BYTES) });
    const found = yield* Effect.orElseSucceed(ping, () => undefined);
    if (found?.nodeId === owner) continue;
    const who = found === undefined ? "nobody" : nameOf(federation, found);
    checks.violated("ring", `${nameOf(federation, asker)} is answered by ${who} for a key of another`);
  }
});

/** Each node finds the claim of the number's owner, as the overlay has acknowledged it, and all find the same. */
const checkClaims = Effect.fnUntraced(function* (federation: Federation, nodes: ReadonlyArray<OverlayNode>) {
  const { checks, plan, parties } = federation;
  for (const { name } of plan.companies) {
    const own = new Set((parties.get(name)?.members ?? []).flatMap(() => idsOf(federation, name)));
    for (const number of checks.published.get(name) ?? []) {
      const found: Array<string> = [];
      for (const node of nodes) {
        const claims = yield* Effect.orElseSucceed(claimsOf(node, e164(number)), () => []);
        const ids = claims.map(({ nodeId }) => nodeIdText(nodeId)).sort();
        found.push(ids.join(" "));
        if (claims.some(({ nodeId }) => own.has(nodeId))) continue;
        checks.violated("acknowledged", `${nameOf(federation, node)} does not find ${name}'s claim to ${number}`);
        return;
      }
      if (new Set(found).size > 1) checks.violated("ring", `nodes find different claims to ${number}`);
    }
  }
});

/** Rows of values are read by the codec alone. What has ended since the last look of its node may still be there. */
const checkDisks = Effect.fnUntraced(function* ({ checks, parties }: Federation) {
  const nowMs = yield* Clock.currentTimeMillis;
  for (const { name, host, life } of parties.values()) {
    if (life === undefined) continue;
    const rows = yield* Effect.orElseSucceed(allRows(host.disks.server, VALUES_TABLE), () => []);
    const ended = rows.filter(({ key, value }) => {
      const row = readStoredRow(key, value);
      if (row.type !== "entry" || !row.entry.ok) return false;
      const { stored, storedMs } = row.entry.value;
      const [first] = stored.values as ReadonlyArray<StoredData>;
      return Number(storedMs) + (first?.lifetime ?? 0) * 1_000 < nowMs - ENDED_MS;
    });
    if (ended.length > 0) checks.violated("disk", `${name}'s disk has ${ended.length} values that have ended`);
  }
});

/** While certificates of that company's nodes have ended: nobody else finds a claim of these nodes. */
export const checkEnded = Effect.fn("federation.ended")(function* (federation: Federation, ended: Party) {
  const { checks, parties, overlay } = federation;
  const own = new Set(idsOf(federation, ended.name));
  const others = [...parties.values()].filter((party) => party !== ended);
  const nodes = [overlay.operator, ...others.flatMap(({ life }) => life?.running.server.nodes ?? [])];
  for (const number of ended.publishes)
    for (const node of nodes) {
      const claims = yield* Effect.orElseSucceed(claimsOf(node, e164(number)), () => []);
      if (!claims.some(({ nodeId }) => own.has(nodeId))) continue;
      const what = `${ended.name}'s claim to ${number}, signed by a certificate that has ended`;
      checks.violated("signature", `${nameOf(federation, node)} believes ${what}`);
      return;
    }
});

const idsOf = ({ nodes }: Federation, name: string) => [...nodes].flatMap(([id, of]) => (of === name ? [id] : []));
const nameOf = ({ nodes }: Federation, { nodeId }: Pick<OverlayNode, "nodeId">): string =>
  `a node of ${nodes.get(nodeId) ?? "another"}`;
