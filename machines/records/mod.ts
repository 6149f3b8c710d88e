/** Call records of exchanges become telephone calls, and telephone calls become ViPR call records. */
export { type AsideReason, type Intake, type IntakeCounts, intake, type Outcome } from "./intake.ts";
export { type CallAside, type Judge, type JudgedCall, type Judgement, judgeFor } from "./judge.ts";
export { asideText } from "./reasons.ts";
export {
  BRIDGE_KEY,
  BRIDGES_MAX,
  CALL_LINES_MAX,
  type CallTable,
  callTable,
  keepBridge,
  keepOpen,
  keepSettled,
  OPEN_CALLS_MAX,
  type RecordedCall,
  SETTLE_MS,
  SETTLED_CALLS_MAX,
  takeRow,
  takeSettled,
} from "./table.ts";
