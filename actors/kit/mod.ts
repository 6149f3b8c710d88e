/** Hosting machines in fibers, and what every host needs beside. */
export { drive, type Inbox, nextRun, type Perform, Watch, type Watcher } from "./host.ts";
export { type Mailbox, mailbox } from "./mailbox.ts";
export { type CommonOptions, type CommonOrder, type OwnOrder, performing } from "./orders.ts";
export { allRows, eachPage, type PagesOf, removePages } from "./pages.ts";
export { Replies } from "./replies.ts";
export { type Firing, fired } from "./role-timers.ts";
export { type SeldomLimits, seldom, seldomSaid } from "./seldom.ts";
export { Shared, type SharedLimits } from "./shared.ts";
export { Stepper, type StepperOptions, type StepperParts, stepperParts } from "./stepper.ts";
export { doubling, type RetryMs, untilStored } from "./until-stored.ts";
