/** The authority and the overlay as `vipr doctor` sees them: whether they can be reached, and what the server says of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import type { Https } from "../../actors/ports/mod.ts";
import { NUMBER_LIFETIME_S } from "../../actors/reload/mod.ts";
import { readDocument } from "../../codecs/overlay/mod.ts";
import { inTimeNumbersMax } from "../../machines/vap/mod.ts";
import type { ViprConfig } from "../config/mod.ts";
import { sampleOf } from "../metrics/read.ts";
import { authorityOf } from "./anchor.ts";
import { type Finding, fault, good, unknown, warning, whyNotConnected } from "./doctor-finding.ts";
import { fetchDocument } from "./identity.ts";
import { derOfPem } from "./pem.ts";
import type { ProgramState } from "./program-state.ts";

export const overlayFindings = (
  config: ViprConfig,
  state: ProgramState,
): Effect.Effect<ReadonlyArray<Finding>, never, Https> =>
  Effect.gen(function* () {
    const authority = yield* authorityFinding(config, state.data);
    return [authority, ...(yield* bootstrapFindings(state.data)), ...memberFindings(state), ...refreshFindings(state)];
  });

const textIn = (data: string, name: string): string | undefined => {
  try {
    return readFileSync(join(data, name), "utf8");
  } catch {
    return undefined;
  }
};

const documentIn = (data: string) => {
  const read = readDocument(textIn(data, "overlay.xml") ?? "");
  return read.ok ? read.value.overlay : undefined;
};

/** Over TLS, under the roots that this directory trusts; before the first start only whether somebody listens there. */
const authorityFinding = Effect.fnUntraced(function* ({ server }: ViprConfig, data: string) {
  const kept = JSON.parse(textIn(data, "node.json") ?? "{}") as { host?: string; port?: number; overlay?: string };
  const at =
    kept.host !== undefined && kept.port !== undefined
      ? { host: kept.host, port: kept.port }
      : server.authority === undefined
        ? undefined
        : authorityOf(server.authority);
  if (at === undefined) return unknown("authority", "none is named, and this directory has not enrolled");
  const todo = "is it down, or is its port closed? Meanwhile the overlay goes on, and no certificate is renewed";
  const where = addressText(at);
  const why = yield* whyNotConnected(at);
  if (why !== undefined) return warning("authority", `${where} cannot be reached: ${why}`, todo);
  if (kept.overlay === undefined) return good("authority", `somebody listens at ${where}`);
  const roots = derOfPem(textIn(data, "root.pem") ?? "", "CERTIFICATE");
  const fetched = yield* Effect.result(fetchDocument({ ...at, overlayName: kept.overlay, roots }));
  return fetched._tag === "Success"
    ? good("authority", `${where} serves ${kept.overlay}, configuration ${fetched.success.overlay.sequence}`)
    : warning(
        "authority",
        `${where} gives no document: ${fetched.failure}`,
        "another root there? docs/deploy/upgrade.md",
      );
});

const bootstrapFindings = Effect.fnUntraced(function* (data: string) {
  const nodes = documentIn(data)?.bootstrapNodes ?? [];
  if (nodes.length === 0) return [unknown("bootstrap nodes", "the document is not here yet")];
  const answers = yield* Effect.forEach(nodes, whyNotConnected, { concurrency: 8 });
  const reached = answers.filter((why) => why === undefined).length;
  const what = `${reached} of ${nodes.length} can be reached`;
  const todo = "a firewall of ours, if none can be; else the overlay's operator";
  if (reached === 0) return [fault("bootstrap nodes", "unreachable", what, todo)];
  return [reached < nodes.length ? warning("bootstrap nodes", what, todo) : good("bootstrap nodes", what)];
});

const memberFindings = ({ ready, metrics }: ProgramState): ReadonlyArray<Finding> => {
  const healthy = sampleOf(metrics, "vipr_overlay_healthy");
  if (ready === undefined || healthy === undefined)
    return [unknown("overlay", "the server does not run, or has not joined")];
  const [nodes, links] = [sampleOf(metrics, "vipr_overlay_nodes") ?? 0, sampleOf(metrics, "vipr_overlay_links") ?? 0];
  const [used, quota] = [
    sampleOf(metrics, "vipr_overlay_quota_used") ?? 0,
    sampleOf(metrics, "vipr_overlay_quota") ?? 0,
  ];
  const overlay =
    healthy === 1
      ? good("overlay", `${nodes} nodes, ${links} links`)
      : fault("overlay", "unreachable", "the node has no place in it", "vipr ring, and the findings above");
  const share = `${used} of ${quota} entries are used`;
  return [
    overlay,
    used > 0.9 * quota
      ? warning("quota", share, "ask the authority for more, or publish fewer numbers")
      : good("quota", share),
  ];
};

/** Whether the overlay's rate lets us store our entries again before they end. */
const refreshFindings = ({ ready, metrics, data }: ProgramState): ReadonlyArray<Finding> => {
  const used = sampleOf(metrics, "vipr_overlay_quota_used");
  const storesPerSecond = documentIn(data)?.storesPerSecond;
  if (ready === undefined || used === undefined || storesPerSecond === undefined) return [];
  return [refreshFinding(used, storesPerSecond)];
};
export const refreshFinding = (used: number, storesPerSecond: number): Finding => {
  const most = inTimeNumbersMax(storesPerSecond, NUMBER_LIFETIME_S * 1_000);
  const what = `${used} entries at ${storesPerSecond} stores a second: up to ${most} are stored again in time`;
  const todo =
    "ask the authority for a higher rate (--stores), or publish fewer numbers: docs/operator.md#many-numbers";
  return used > most ? warning("refresh", what, todo) : good("refresh", what);
};
