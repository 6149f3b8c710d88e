/** How a machine is defined, and what one is. */

export type { Chart, Decision, Deed, Note, Of, TimerFired, Transition, Typed } from "./chart.ts";
export { type Machine, type MachineTypes, type Setup, setup } from "./machine.ts";
export { entriesOf, firstOf, put, type Sorted, type SortedKey, sorted, valueAt, without } from "./sorted.ts";
export type { Snapshot, Step } from "./steps.ts";
export { type TableRow, tableOf } from "./table.ts";
export { MachineError } from "./tree.ts";
