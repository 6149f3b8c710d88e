/** The `vipr` command on a pseudo-terminal, which `script` of util-linux opens for it. */
import { spawn } from "node:child_process";
import process from "node:process";
import { MAIN } from "./processes.ts";

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** What is left of this machine's wishes about colours would decide the test. */
const PLAIN = { NO_COLOR: undefined, FORCE_COLOR: undefined, TERM: "xterm" };

interface TerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What the shell is told first. */
  readonly before?: string;
  /** What the shell does with the streams, as `2>/dev/null`. */
  readonly behind?: string;
  readonly main?: string;
  readonly typed?: string;
}

/** `seen`: what the terminal was given, of both streams. */
export const onTerminal = (
  args: ReadonlyArray<string>,
  { env = {}, before = "", behind = "", main = MAIN, typed }: TerminalOptions = {},
): Promise<{ readonly code: number | null; readonly seen: string }> => {
  const own = "Deno" in globalThis ? ["run", "-A"] : [];
  const line = `${before}${[process.execPath, ...own, main, ...args].map(quoted).join(" ")} ${behind}`;
  const child = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...PLAIN, ...env },
  });
  child.stdin.end(typed ?? "");
  let seen = "";
  child.stdout.on("data", (bytes) => (seen += bytes));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, seen }));
  });
};
