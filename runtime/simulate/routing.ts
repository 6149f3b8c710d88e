/**
 * Routing alone: the hops from a random node to the owner of a random identifier, over ideal tables, by the same viewOf and
 * nextHop that real nodes route with. A node's table is made when a request first comes to it.
 */

import { performance } from "node:perf_hooks";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { keepNewest } from "../../codecs/shared/mod.ts";
import { isResponsible, nextHop, type RingView, viewWith } from "../../machines/reload/mod.ts";
import { chanceOf } from "../memory/chance.ts";
import { drawId, drawIds, idealLinks, ownerIndex } from "./ideal.ts";
import { hopsOf, type Line, rounded } from "./measure.ts";
import type { SimulateOptions } from "./options.ts";
import { type Hooks, Stopped } from "./stages.ts";

/** Tables kept at once, some 10 kB each; the oldest goes first. */
const VIEWS_MAX = 100_000;
/** More than any ring that routes at all needs: beyond it requests go round. */
const HOPS_MAX = 200;
/** Look-ups between two looks at the world outside. */
const TURN_LOOKUPS = 256;

export const routeOnly = async (options: SimulateOptions, hooks: Hooks): Promise<Line> => {
  const startedMs = performance.now();
  const { nodes, lookups, neighbours, fingers, seed } = options;
  const chance = chanceOf(seed);
  hooks.report(`${nodes} Node-IDs are drawn`);
  const ids = drawIds(chance, nodes);
  const views = new Map<number, RingView>();
  const viewAt = (at: number): RingView => {
    const held = views.get(at);
    if (held !== undefined) return held;
    const peers = [...idealLinks(ids, at, options)].map((i) => ids[i]!);
    const view = viewWith(ids[at]!, peers, neighbours, fingers);
    keepNewest(views, VIEWS_MAX, at, view);
    return view;
  };
  const hops: Array<number> = [];
  hooks.report(`${lookups} look-ups`);
  for (let i = 0; i < lookups; i++) {
    if (i % TURN_LOOKUPS === 0) {
      await new Promise<void>((next) => setImmediate(next));
      if (hooks.isStopped()) throw new Stopped();
      hooks.passing?.(() => `${i} of ${lookups} look-ups`);
    }
    const taken = hopsFrom(ids, viewAt, chance.between(0, nodes - 1), drawId(chance));
    if (taken !== undefined) hops.push(taken);
  }
  return {
    nodes,
    lookups,
    success: hops.length / lookups,
    hops: hopsOf(hops),
    log2n: rounded(Math.log2(nodes), 3),
    lostValues: 0,
    repairSeconds: 0,
    messagesPerNodeSecond: 0,
    bytesPerNode: 0,
    seconds: rounded((performance.now() - startedMs) / 1_000, 2),
  };
};

const hopsFrom = (
  ids: ReadonlyArray<NodeId>,
  viewAt: (at: number) => RingView,
  start: number,
  id: bigint,
): number | undefined => {
  let at = start;
  let from: NodeId | undefined;
  for (let hops = 0; hops <= HOPS_MAX; hops++) {
    const view = viewAt(at);
    if (isResponsible(view, id)) return hops;
    const next = nextHop(view, id, from);
    if (next === undefined) return undefined;
    from = view.self;
    at = ownerIndex(ids, next);
  }
  return undefined;
};
