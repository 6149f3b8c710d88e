/** Hosting machines in fibers. */
export { drive, fired, type Mailbox, mailbox, Watch, type Watcher } from "./host.ts";
