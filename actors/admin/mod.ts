/** The admin port of a running program: of a node its report and its orders, of others the calls that they carry. */
export { CALLS_PATH, handleCalls } from "./calls.ts";
export {
  CALL_ROWS_MAX,
  CALLS_VERSION,
  type CallRow,
  type CallsReport,
  UNREADABLE_SHOWN_MAX,
  type UnreadableMessage,
} from "./calls-form.ts";
export { CAPTURE_PATH, CAPTURE_PROTOCOLS, handleCaptures } from "./captures.ts";
export { REPORT_VERSION, type RingReport, type SeenLookUp, type SeenNode } from "./form.ts";
export { type AdminOf, handleAdmin } from "./handle.ts";
export {
  HAPPENINGS_MAX,
  HAPPENINGS_PATH,
  type Happening,
  type HappeningField,
  type Happenings,
  type HappeningsReport,
  makeHappenings,
  withHappenings,
} from "./happenings.ts";
export { type Health, withHealth } from "./health.ts";
export { LADDER_PATH, LADDERS_KEPT_MAX, LADDERS_PATH, type Ladders, makeLadders, withLadders } from "./ladders.ts";
export type { Ladder, LadderMessage, LadderState, LadderSummary } from "./ladders-form.ts";
export {
  handleListed,
  LISTED,
  LISTED_MAX,
  LISTED_ORDERS,
  type Listed,
  type ListedOrders,
  type ShownCalls,
  type ShownNumber,
  type ShownRoute,
} from "./listed.ts";
export { fromOutside } from "./outside.ts";
export { type Page, type PageAsset, withPage } from "./page.ts";
export {
  addressText,
  estimatedNodes,
  isoOf,
  type Reported,
  type ReportedTimes,
  reportOf,
} from "./report.ts";
export {
  ADMIN_BODY_BYTES_MAX,
  type AdminAnswer,
  type AdminHandle,
  type AdminRequest,
  type Live,
  objectionTo,
  refused,
} from "./request.ts";
