/**
 * The exit codes of every command, once: what a script or a service manager can tell apart. A command's table names those that
 * it has and may say more exactly what one means there; the numbers mean the same everywhere. `vipr help exit-codes` prints them.
 */
export const exitCode = {
  done: 0,
  /** A fault of ours (the log has the rest), or the answer "no" of a command that answers a question. */
  fault: 1,
  usage: 2,
  /** Nobody answers: the authority at the first run, a node's port when it is asked. */
  unreachable: 3,
  /** By the authority (user, password), or by the overlay. */
  refused: 4,
  portTaken: 5,
  /** Another process has the data directory. */
  inUse: 6,
  /** The data directory cannot be made, read or written. */
  notWritable: 7,
  diskFull: 8,
  /** A file in the data directory is not what was written there. */
  damaged: 9,
  /** A certificate is not valid yet, or no more: the clock, or a renewal that never was. */
  clock: 10,
  /** The overlay asks for what this program cannot do, or its document has ended. */
  unsupported: 11,
  /** A second SIGINT or SIGTERM, or the first one and ten seconds; of a command with a task, the first one. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
export type ExitName = keyof typeof exitCode;

export const EXIT_TEXT: Readonly<Record<ExitName, string>> = {
  done: "done; a server: stopped by SIGTERM or SIGINT",
  fault: "a fault of this program, which it describes; or the answer is no, where the command answers a question",
  usage: "an option, a word, a file that was named, or the configuration cannot be taken",
  unreachable: "nobody answers: the authority, a running program, a PostgreSQL, another server",
  refused: "refused by the authority, the overlay or another server; or what is to be changed does not exist",
  portTaken: "a port cannot be listened on: another program has it, or it needs rights",
  inUse: "another process uses the data directory",
  notWritable: "a directory or file cannot be made, read or written",
  diskFull: "the disk is full",
  damaged: "a file in the data directory is damaged, or of a newer version",
  clock: "a certificate is not valid now: the clock is wrong, or it was not renewed",
  unsupported: "the overlay asks for what this version cannot do",
  interrupted:
    "ended before its time: a second SIGINT or SIGTERM, or ten seconds after the first; a backup and the like: the first",
};
