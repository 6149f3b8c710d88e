/** Hosting machines in fibers. */
export { drive, type Inbox, type Perform, Watch, type Watcher } from "./host.ts";
export { type Mailbox, mailbox } from "./mailbox.ts";
export { type Firing, fired } from "./role-timers.ts";
