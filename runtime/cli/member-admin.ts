/**
 * A member's admin port: open before the node joins, so that a taken port is said at once, and health and metrics can be
 * asked for from the first moment. What else is answered is given once the node stands.
 */
import { Clock, Effect, type Scope } from "effect";
import {
  type AdminAnswer,
  type AdminOf,
  type AdminRequest,
  type Happenings,
  handleAdmin,
  handleListed,
  type Listed,
  type ListedOrders,
  makeHappenings,
  type RingReport,
  withHappenings,
  withHealth,
} from "../../actors/admin/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { isHealthy, overlayFamilies } from "../metrics/overlay.ts";
import { certificateFamily, processFamilies, storeFamilies, watchLoop } from "../metrics/process.ts";
import { family, single } from "../metrics/table.ts";
import { type Family, METRICS_TYPE, metricsText } from "../metrics/text.ts";
import { type PageProgram, pageOf } from "../page/programs.ts";
import { newToken } from "./door.ts";
import { listenStopped, type Stopped } from "./exit.ts";
import { type Folder, STORE_FILE } from "./folder.ts";
import type { ClockOffset } from "./member-clock.ts";
import { openDoor } from "./open-door.ts";

/** What a node that stands is asked for, beside health and metrics. */
export interface MemberAnswer extends AdminOf {
  /** What the operator may list and switch off. */
  readonly listed?: Partial<Readonly<Record<Listed, ListedOrders>>>;
  /** For the page. */
  readonly happenings?: Happenings;
}

export const answerOf = ({ listed = {}, happenings = makeHappenings(), ...of }: MemberAnswer) =>
  withHappenings(happenings, handleListed(of.token, listed, handleAdmin(of)));

/** What a node that stands shows. */
export interface Showing {
  readonly answer: (request: AdminRequest) => Effect.Effect<AdminAnswer>;
  readonly report: Effect.Effect<RingReport>;
  /** When each certificate ends. */
  readonly ends: Readonly<Record<string, number>>;
  /** Of a ViPR server, beside the node's. */
  readonly metrics?: Effect.Effect<ReadonlyArray<Family>> | undefined;
  /** Beside the neighbours' clocks; undefined: not measured. */
  readonly clock?: () => ClockOffset | undefined;
}

export interface MemberAdmin {
  readonly token: string;
  /** Undefined: not served. */
  readonly at: Endpoint | undefined;
  /** From now on; undefined: it has not joined, or no more. */
  readonly show: (showing: Showing | undefined) => void;
  readonly families: Effect.Effect<ReadonlyArray<Family>>;
  readonly unready: Effect.Effect<ReadonlyArray<string>>;
}

const JOINING = "not joined";
const NOT_JOINED: AdminAnswer = { status: 503, body: { error: "this node has not joined its overlay yet" } };

/** Why it cannot serve; `report`: undefined as long as it has not joined. */
const reasonsIn = (report: RingReport | undefined): ReadonlyArray<string> => {
  if (report === undefined) return [JOINING];
  return isHealthy(report) ? [] : [`overlay: ${report.state}`];
};

export const openMemberAdmin = Effect.fn("member.admin")(function* (
  folder: Folder,
  on: Endpoint | undefined,
  programs: ReadonlyArray<PageProgram> = pageOf("server", folder.path),
): Effect.fn.Return<MemberAdmin, Stopped, Scope.Scope> {
  const token = newToken();
  const startedMs = yield* Clock.currentTimeMillis;
  const loop = yield* watchLoop;
  let showing: Showing | undefined;
  const reported = Effect.suspend(() => showing?.report ?? Effect.undefined);
  const unready = Effect.map(reported, reasonsIn);
  const families = Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    const report = yield* reported;
    const own = [
      ...processFamilies("server", startedMs, nowMs),
      loop(),
      single("vipr_ready", reasonsIn(report).length === 0 ? 1 : 0),
      ...storeFamilies(folder.path, [STORE_FILE]),
    ];
    if (showing === undefined || report === undefined) return own;
    const overlay = overlayFamilies(report);
    const more = showing.metrics === undefined ? [] : yield* showing.metrics;
    const clock = showing.clock?.();
    const offset = family(
      "vipr_clock_offset_seconds",
      clock === undefined ? [] : [{ value: Math.round(clock.offsetMs) / 1_000 }],
    );
    return [...own, certificateFamily(showing.ends, nowMs), offset, ...overlay, ...more];
  });
  const health = { unready, metrics: Effect.map(families, metricsText), metricsType: METRICS_TYPE };
  const answer = withHealth(health, (request) => showing?.answer(request) ?? Effect.succeed(NOT_JOINED));
  const at =
    on === undefined
      ? undefined
      : yield* Effect.catchTag(openDoor(folder, on, token, answer, programs), "ListenFailed", (failed) =>
          Effect.fail(listenStopped(failed, "--admin takes another, --admin none takes none")),
        );
  return {
    token,
    at,
    show: (next) => {
      showing = next;
    },
    families,
    unready,
  };
});
