/** Maps SQLite's errors to the reasons of `StoreFailed`. Some runtimes give SQLite's code, all of them give its text. */
import { StoreFailed, type StoreFault } from "../../actors/ports/mod.ts";

/** https://www.sqlite.org/rescode.html */
const CODES: Readonly<Record<number, StoreFault>> = {
  5: "locked",
  6: "locked",
  8: "readOnly",
  11: "corrupt",
  13: "full",
  14: "readOnly",
  26: "corrupt",
};
const TEXTS: ReadonlyArray<readonly [RegExp, StoreFault]> = [
  [/database or disk is full/i, "full"],
  [/database (table )?is locked/i, "locked"],
  [/readonly database|unable to open/i, "readOnly"],
  [/malformed|not a database/i, "corrupt"],
  [/not open|closed/i, "closed"],
];

export const faultOf = (cause: unknown): StoreFailed => {
  if (cause instanceof StoreFailed) return cause;
  const { errcode, message } = cause as { readonly errcode?: number; readonly message?: string };
  const why = String(message ?? cause);
  const byCode = errcode === undefined ? undefined : CODES[errcode & 0xff];
  return new StoreFailed({ reason: byCode ?? TEXTS.find(([text]) => text.test(why))?.[1] ?? "failed", why });
};
