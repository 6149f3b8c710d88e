/** The `vipr` command as processes, under the runtime that runs the test; each is ended with the test that started it. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import type { RingReport } from "../../actors/admin/mod.ts";
import { askAdmin } from "../../runtime/admin-client.ts";
import { readDoor } from "../../runtime/cli/door.ts";
import { openFolder } from "../../runtime/cli/folder.ts";

/** VIPR_MAIN names the command as the package gives it, `dist/command/main.js`, which starts in a third of the time. DECISIONS.md D-232. */
export const MAIN: string = process.env.VIPR_MAIN ?? new URL("../../runtime/main.ts", import.meta.url).pathname;
/** The program that writes a directory which MAIN goes on with: VIPR_BEFORE names the `runtime/main.ts` of an older version. */
export const BEFORE = process.env.VIPR_BEFORE ?? MAIN;
const WAIT_MS_MAX = 60_000;

/** What a process leaves that was asked to end, and did. */
export const POLITE_END = 0;

export interface Running {
  readonly pid: number | undefined;
  readonly out: () => string;
  readonly err: () => string;
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly kill: (signal: "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGHUP") => Promise<number | null>;
  /** The first match in its output; rejects when it ends before. */
  readonly said: (what: RegExp) => Promise<RegExpExecArray>;
}

const running = new Set<Running>();

export const start = (
  args: ReadonlyArray<string>,
  input = "",
  main = MAIN,
  cwd?: string,
  env: Readonly<Record<string, string>> = {},
): Running => {
  const own = "Deno" in globalThis ? ["run", "-A"] : [];
  const child = spawn(process.execPath, [...own, main, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    cwd,
    env: { ...process.env, ...env },
  });
  let [out, err] = ["", ""];
  let isOver = false;
  const woken = new Set<() => void>();
  const wake = () => {
    for (const one of woken) one();
  };
  child.stdin.on("error", () => {}); // it may end before it has read
  child.stdin.end(input);
  child.stdout.on("data", (chunk) => {
    out += chunk;
    wake();
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const ended = new Promise<number | null>((resolve) =>
    child.on("close", (code) => {
      isOver = true;
      running.delete(one);
      resolve(code);
      wake();
    }),
  );
  const one: Running = {
    pid: child.pid,
    out: () => out,
    err: () => err,
    ended,
    kill: (signal) => {
      // Deno's own kill sends no second signal to a child that outlived the first one: findings/deno-second-signal.sh.
      if (!isOver && child.pid !== undefined) process.kill(child.pid, signal);
      return ended;
    },
    said: (what) =>
      new Promise((resolve, reject) => {
        const done = (settle: () => void) => {
          clearTimeout(timer);
          woken.delete(look);
          settle();
        };
        const failed = (why: string) => done(() => reject(new Error(`${why}: ${args.join(" ")}\n${out}\n${err}`)));
        const look = () => {
          const found = what.exec(out);
          if (found !== null) done(() => resolve(found));
          else if (isOver) failed(`ended before it said ${what}`);
        };
        const timer = setTimeout(() => failed(`did not say ${what}`), WAIT_MS_MAX);
        woken.add(look);
        look();
      }),
  };
  running.add(one);
  return one;
};

/** To its end. */
export const vipr = async (
  args: ReadonlyArray<string>,
  input?: string,
  main?: string,
  cwd?: string,
  env?: Readonly<Record<string, string>>,
) => {
  const one = start(args, input, main, cwd, env);
  const code = await one.ended;
  return { code, out: one.out(), err: one.err() };
};

/** A directory that goes with everything started meanwhile. */
export const withFolder = async (use: (path: string) => Promise<void>): Promise<void> => {
  const path = mkdtempSync(join(tmpdir(), "vipr-"));
  try {
    await use(path);
  } finally {
    await Promise.all([...running].map((one) => one.kill("SIGKILL")));
    rmSync(path, { recursive: true, force: true });
  }
};

/** Until it holds; looks again every so often. */
export const until = async <A>(look: () => Promise<A | undefined>, what: string): Promise<A> => {
  const endMs = performance.now() + WAIT_MS_MAX;
  while (true) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`not within ${WAIT_MS_MAX} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** What the node of that directory says of itself; undefined until it has joined. */
export const reportOf = (folder: string): Promise<RingReport | undefined> =>
  Effect.runPromise(
    openFolder(folder).pipe(
      Effect.flatMap(readDoor),
      Effect.flatMap((door) => askAdmin(door, "/ring.json")),
      Effect.map(({ status, body }) => (status === 200 ? (body as RingReport) : undefined)),
      Effect.orElseSucceed(() => undefined),
    ),
  );
