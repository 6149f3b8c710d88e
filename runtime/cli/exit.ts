/** How a command ends: in a sentence, and with a number that a script or a service manager can tell apart. */
import { Data } from "effect";
import type { ListenFailed, StoreFault } from "../../actors/ports/mod.ts";

export const exitCode = {
  done: 0,
  /** A fault of ours; the log has the rest. */
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
} as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** The end of a command, with what its user needs to know. */
export class Stopped extends Data.TaggedError("Stopped")<{ readonly code: ExitCode; readonly why: string }> {}

export const stopped = (code: keyof typeof exitCode, why: string): Stopped =>
  new Stopped({ code: exitCode[code], why });

/** What the file system says, in our words. */
export const fileStopped = (what: string, cause: unknown): Stopped => {
  const { code = "", message = String(cause) } = cause as { readonly code?: string; readonly message?: string };
  if (code === "ENOSPC" || code === "EDQUOT") return stopped("diskFull", `${what}: the disk is full`);
  if (code === "EROFS") return stopped("notWritable", `${what}: the file system is read-only`);
  if (code === "EACCES" || code === "EPERM") return stopped("notWritable", `${what}: no permission`);
  return stopped("notWritable", `${what}: ${message}`);
};

/** The same for a file that the operator has named: if it cannot be read, what was said is wrong, not a data directory. */
export const namedFileStopped = (file: string, cause: unknown, key?: string): Stopped => {
  const { code, message = String(cause) } = cause as { readonly code?: string; readonly message?: string };
  if (code === "ENOENT" || code === "ENOTDIR")
    return stopped("usage", key === undefined ? `${file}: there is no such file` : `${key}: there is no file ${file}`);
  const what = key === undefined ? `${file}:` : `${key}: ${file}`;
  if (code === "EISDIR") return stopped("usage", `${what} is a directory, not a file`);
  if (code === "EACCES" || code === "EPERM") return stopped("usage", `${what} cannot be read: no permission`);
  return stopped("usage", `${what} ${message}`);
};

export const storeStopped = (what: string, fault: StoreFault, why: string): Stopped => {
  switch (fault) {
    case "full":
      return stopped("diskFull", `${what}: the disk is full`);
    case "readOnly":
      return stopped("notWritable", `${what}: cannot be written: ${why}`);
    case "locked":
      return stopped("inUse", `${what}: another process uses this directory`);
    case "corrupt":
    case "malformed":
      return stopped("damaged", `${what}: damaged: ${why}`);
    case "away":
      return stopped("unreachable", `${what}: ${why}`);
    case "refused":
    case "notEmpty":
      return stopped("refused", `${what}: ${why}`);
    default:
      return stopped("fault", `${what}: ${why}`);
  }
};

export const listenStopped = ({ reason, why }: Pick<ListenFailed, "reason" | "why">, hint: string): Stopped =>
  reason === "portTaken"
    ? stopped("portTaken", `${why}: another program has this port; ${hint}`)
    : stopped("portTaken", `cannot listen on ${why}; ${hint}`);
