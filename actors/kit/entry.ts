/**
 * `vipr/kit`: how a machine is defined, and how it is hosted in a fiber. docs/embedding.md. Who hosts machines without Effect
 * takes `vipr/machines/kit`, which loads nothing else.
 */
export {
  type Chart,
  type Decision,
  type Deed,
  type Machine,
  MachineError,
  type MachineTypes,
  type Note,
  type Of,
  type Setup,
  type Snapshot,
  type Step,
  setup,
  type TableRow,
  type TimerFired,
  type Transition,
  tableOf,
} from "../../machines/kit/mod.ts";
export { drive, type Inbox, type Perform, Watch, type Watcher } from "./host.ts";
export { type Mailbox, mailbox } from "./mailbox.ts";
export { type CommonOptions, type CommonOrder, type OwnOrder, performing } from "./orders.ts";
