/** The admin port of a border element: the calls whose media it relays, what it counts, what it has refused and why. */
import { Effect } from "effect";
import {
  addressText,
  CALL_ROWS_MAX,
  CALLS_VERSION,
  type CallRow,
  type CallsReport,
  handleCalls,
  makeLadders,
  withHealth,
  withLadders,
} from "../../actors/admin/mod.ts";
import type { Border } from "../../actors/border/mod.ts";
import { type MediaCall, type MediaRelayShape, mediaRefusedOf, mediaRowOf } from "../../actors/media/mod.ts";
import { callLabel } from "../../codecs/sip/mod.ts";
import type { Configuration } from "../config/mod.ts";
import type { Family } from "../metrics/text.ts";
import { pagesOf } from "../page/programs.ts";
import { callsHealth } from "./calls-health.ts";
import { newToken } from "./door.ts";
import { listenStopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { openDoor } from "./open-door.ts";

/** Gives the line for the operator. */
export const openBorderAdmin = Effect.fn("border.admin")(function* (
  folder: Folder,
  { config }: Configuration,
  border: Border,
  relay: MediaRelayShape | undefined,
  more: () => ReadonlyArray<Family> = () => [],
) {
  const { admin = FREE } = config.border;
  if (admin === "none") return "admin    not served: border.admin";
  const startedMs = Date.now();
  const media = relay?.calls ?? Effect.succeed([]);
  const report = Effect.map(media, (calls) => reportOf(border, calls, startedMs, Date.now()));
  const health = yield* callsHealth({ folder, store: undefined, startedMs, report, more });
  const answer = withHealth(health, withLadders(makeLadders(border.messages, border.placeOf), handleCalls(report)));
  const at = yield* openDoor(folder, admin, newToken(), answer, pagesOf(config)).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "border.admin takes another"))),
  );
  return `admin    http://${addressText(at)}/calls.json`;
});
export const reportOf = (
  border: Pick<Border, "counters">,
  media: ReadonlyArray<MediaCall>,
  startedMs: number,
  nowMs: number,
): CallsReport => {
  const { refused, connectionsRefused, underWay, ...counters } = border.counters();
  return {
    version: CALLS_VERSION,
    program: "border",
    upSeconds: secondsFrom(startedMs, nowMs),
    underWay,
    calls: media.slice(-CALL_ROWS_MAX).map((call, i) => rowOf(call, i, nowMs)),
    counters,
    reasons: { refused, connectionsRefused, mediaRefused: mediaRefusedOf(media) },
    unreadable: [],
  };
};

/** The relay knows a call by its dialog, whose name may hold a number: rows are counted. */
const rowOf = (call: MediaCall, i: number, nowMs: number): CallRow => ({
  id: String(i + 1),
  direction: "unknown",
  state: "up",
  by: "",
  seconds: secondsFrom(call.sinceMs, nowMs),
  calling: null,
  called: null,
  media: mediaRowOf(call),
  ...(call.from === undefined ? {} : { ladder: callLabel(call.from) }),
});
const secondsFrom = (fromMs: number, nowMs: number): number => Math.max(0, Math.round((nowMs - fromMs) / 1_000));
const FREE = { host: "127.0.0.1", port: 0 };
