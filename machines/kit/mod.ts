/** How a machine is made, and what one is. */
export {
  type Decision,
  decide,
  declared,
  type Machine,
  machineOf,
  type Snapshot,
  type Step,
  stepsByXState,
} from "./machine.ts";
export { tableOf } from "./table.ts";
