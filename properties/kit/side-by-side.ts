/** Work of a check's runner done side by side: so many pieces at once, and programs whose output stays in one piece. */
import { spawn } from "node:child_process";
import process from "node:process";

/** What each piece gives, in the order of the pieces. They are begun in that order: the longest stand first. */
export const sideBySide = async <A, B>(
  pieces: ReadonlyArray<A>,
  atOnce: number,
  work: (piece: A) => Promise<B>,
): Promise<ReadonlyArray<B>> => {
  const given: Array<B> = [];
  let next = 0;
  const worker = async () => {
    while (next < pieces.length) {
      const at = next++;
      given[at] = await work(pieces[at]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, pieces.length) }, worker));
  return given;
};

export interface Ended {
  /** 127 when it could not be started, 1 when a signal ended it. */
  readonly code: number;
  /** Both streams, without colours. */
  readonly output: string;
}
export interface ProgramOptions {
  readonly cwd?: string;
  /** Default this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Its output is shown as it comes, which only a program that runs alone may. */
  readonly isShown?: boolean;
  /** After so long it is ended. */
  readonly timeoutMs?: number;
}

const ansi = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

export const runProgram = (
  [program, ...words]: ReadonlyArray<string>,
  { cwd, env = process.env, isShown = false, timeoutMs }: ProgramOptions = {},
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(program!, words, {
      stdio: ["ignore", "pipe", "pipe"],
      cwd,
      env,
      timeout: timeoutMs,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (isShown) process.stdout.write(text);
      });
    child.on("error", ({ message }) => resolve({ code: 127, output: message }));
    child.on("close", (code, signal) => {
      const end = signal === null ? "" : `\nended by ${signal}: ${program} ${words.join(" ")}\n`;
      resolve({ code: code ?? 1, output: `${output}${end}`.replace(ansi, "") });
    });
  });
