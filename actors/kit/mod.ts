/** Hosting machines in fibers. */
export { drive, type Mailbox, mailbox, Watch, type Watcher } from "./host.ts";
