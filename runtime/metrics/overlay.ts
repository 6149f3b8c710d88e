/** A node's report as metrics. */
import type { RingReport } from "../../actors/admin/mod.ts";
import { each, family, single } from "./table.ts";
import type { Family } from "./text.ts";

const STATES = ["joining", "settled", "leaving", "left", "failed"] as const;

export const isHealthy = ({ state, links, nodesEstimated }: RingReport): boolean =>
  state === "settled" && (links.length > 0 || nodesEstimated <= 1);

export const overlayFamilies = (report: RingReport): ReadonlyArray<Family> => {
  const { state, stored, quota, counters, refusals } = report;
  const states = new Set<string>([...STATES, state]);
  return [
    single("vipr_overlay_healthy", isHealthy(report) ? 1 : 0),
    family(
      "vipr_overlay_state",
      [...states].map((one) => ({ labels: { state: one }, value: one === state ? 1 : 0 })),
    ),
    single("vipr_overlay_nodes", report.nodesEstimated),
    single("vipr_overlay_links", report.links.length),
    single("vipr_overlay_share", report.share),
    single("vipr_overlay_configuration_sequence", report.configurationSequence),
    each("vipr_overlay_stored", "role", { primary: stored.primaries, replica: stored.replicas }),
    single("vipr_overlay_quota", quota.limit),
    single("vipr_overlay_quota_used", quota.used),
    each("vipr_overlay_messages_total", "what", counters),
    each("vipr_overlay_refusals_total", "reason", refusals),
  ];
};
