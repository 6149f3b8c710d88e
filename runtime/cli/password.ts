/** Passwords: from a file, from a pipe, or asked for; never from the command line, which others on the machine can read. */
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { Effect } from "effect";
import { namedFileStopped, Stopped, stopped } from "./exit.ts";
import { complain } from "./output.ts";

const PASSWORD_BYTES_MAX = 4_096;
/** Of a new one. */
const PASSWORD_LENGTH_MIN = 8;
export const PASSWORD_LENGTH_MAX = 512;

/** One line; its end does not count. */
const passwordIn = (file: string): string => {
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw namedFileStopped(file, error);
  }
  return lineOf(text, file === "-" ? "standard input" : file);
};

const lineOf = (text: string, where: string): string => {
  const line = text.split(/\r?\n/, 1)[0]!;
  if (line === "" || line.length > PASSWORD_BYTES_MAX) throw stopped("usage", `${where}: holds no password`);
  return line;
};

/** From that file, or else asked for. */
export const passwordFrom = (file: string | undefined, prompt: string): Effect.Effect<string, Stopped> =>
  effectOf(async () => (file === undefined ? await askPassword(prompt) : passwordIn(file)));

/** One that is good for a new account. */
export const newPassword = (file: string | undefined, prompt: string): Effect.Effect<string, Stopped> =>
  Effect.flatMap(passwordFrom(file, prompt), (password) =>
    password.length < PASSWORD_LENGTH_MIN || password.length > PASSWORD_LENGTH_MAX
      ? stopped("usage", `a password has ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX} characters`)
      : Effect.succeed(password),
  );

const effectOf = (work: () => Promise<string>): Effect.Effect<string, Stopped> =>
  Effect.tryPromise({
    try: work,
    catch: (cause) => (cause instanceof Stopped ? cause : stopped("usage", String(cause))),
  });

/** Without a terminal, the first line of standard input. */
const askPassword = async (prompt: string): Promise<string> => {
  const { stdin } = process;
  if (!stdin.isTTY) return lineOf(await whole(stdin), "standard input");
  if (isInBackground())
    throw stopped("usage", `${prompt}: cannot be asked for, as this program runs in the background: --password-file`);
  process.stderr.write(`${prompt}: `);
  stdin.setRawMode(true);
  try {
    return await typed(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    complain("");
  }
};

const STAT = "/proc/self/stat";
/**
 * Behind `&` of a shell: whoever reads the terminal then is stopped, and what is typed goes to the shell, which runs it and keeps
 * it. Linux tells by the terminal's foreground group; elsewhere nobody does.
 */
const isInBackground = (): boolean => {
  if (!existsSync(STAT)) return false;
  const [, , group, , , foreground] = readFileSync(STAT, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")
    .map(Number);
  return foreground! > 0 && foreground !== group;
};

const whole = async (stdin: NodeJS.ReadStream): Promise<string> => {
  let text = "";
  for await (const part of stdin) {
    text += String(part);
    if (text.length > PASSWORD_BYTES_MAX) break;
  }
  return text;
};

const INTERRUPT = "\u0003";
const RUB_OUT = /[\u007f\b]/;
const typed = (stdin: NodeJS.ReadStream): Promise<string> =>
  new Promise((resolve, reject: (why: Stopped) => void) => {
    let line = "";
    const take = (chunk: Buffer) => {
      for (const sign of chunk.toString("utf8")) {
        if (sign === INTERRUPT || sign === "\r" || sign === "\n") {
          stdin.off("data", take);
          if (sign === INTERRUPT || line === "") reject(stopped("usage", "no password was given"));
          else resolve(line);
          return;
        }
        line = RUB_OUT.test(sign) ? line.slice(0, -1) : line + sign;
      }
    };
    stdin.on("data", take);
    stdin.resume();
  });
