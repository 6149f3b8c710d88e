/** How a command ends: in a sentence, and with a number that a script or a service manager can tell apart. */
import { Data } from "effect";
import type { ListenFailed, StoreFault } from "../../actors/ports/mod.ts";
import { type ExitCode, exitCode } from "../command/exit-codes.ts";

export { type ExitCode, exitCode };

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
