/** What is looked at when all is whole and quiet: the ring, the claims to each number, the records that wait. */
import { Effect } from "effect";
import { claimsOf, type OverlayNode } from "../../actors/reload/mod.ts";
import { e164, nodeIdText } from "../../codecs/shared/mod.ts";
import type { Federation } from "./party.ts";

export const checkRing = Effect.fn("federation.ring")(function* (federation: Federation) {
  const { checks, parties, overlay, others } = federation;
  const nodes: Array<OverlayNode> = [overlay.operator, ...others];
  for (const { life } of parties.values()) nodes.push(...(life?.running.server.nodes ?? []));
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
  yield* checkClaims(federation, nodes);
  for (const { name, life } of parties.values()) {
    if (life === undefined) continue;
    const { pending, underWay } = yield* life.running.server.counters;
    checks.waiting(name, pending + underWay);
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

const idsOf = ({ nodes }: Federation, name: string) => [...nodes].flatMap(([id, of]) => (of === name ? [id] : []));
const nameOf = ({ nodes }: Federation, { nodeId }: OverlayNode): string =>
  `a node of ${nodes.get(nodeId) ?? "another"}`;
