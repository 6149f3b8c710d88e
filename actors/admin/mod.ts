/** What an operator sees of a running node, and may ask of it. */
export { ADMIN_BODY_BYTES_MAX, type AdminAnswer, type AdminOf, type AdminRequest, handleAdmin } from "./handle.ts";
export {
  addressText,
  estimatedNodes,
  isoOf,
  REPORT_VERSION,
  type Reported,
  type ReportedTimes,
  type RingReport,
  reportOf,
  type SeenNode,
} from "./report.ts";
