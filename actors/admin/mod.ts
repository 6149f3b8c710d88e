/** The admin port of a running node: its report and its orders. */
export { REPORT_VERSION, type RingReport, type SeenNode } from "./form.ts";
export { ADMIN_BODY_BYTES_MAX, type AdminAnswer, type AdminOf, type AdminRequest, handleAdmin } from "./handle.ts";
export {
  addressText,
  estimatedNodes,
  isoOf,
  type Reported,
  type ReportedTimes,
  reportOf,
} from "./report.ts";
