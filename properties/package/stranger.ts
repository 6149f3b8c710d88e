/** A folder of somebody who has installed the tarball, and the runtimes that they may run it with. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";

export const ROOT = new URL("../../", import.meta.url).pathname;

export interface Stranger {
  readonly tarball: string;
  /** Where it is installed, beside others. */
  readonly empty: string;
  /** Where nothing else is. */
  readonly bare: string;
  /** A Node that is too old for us. */
  readonly oldNode: string;
  /** Where publint, attw and esbuild are. */
  readonly tools: string;
  readonly manifest: {
    readonly version: string;
    readonly exports: Readonly<Record<string, unknown>>;
    readonly bin: Readonly<Record<string, string>>;
    readonly dependencies: Readonly<Record<string, string>>;
  };
}

interface ShOptions {
  readonly cwd: string;
  readonly timeoutMs?: number;
  /** Default this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}
const TIMEOUT_MS = 180_000;
const OUTPUT_SHOWN_MAX = 4_000;

/** Gives what it printed; fails with it when the exit code is not 0. */
export const sh = (
  command: string,
  args: ReadonlyArray<string>,
  { cwd, timeoutMs = TIMEOUT_MS, env = process.env }: ShOptions,
) =>
  new Promise<string>((done, failed) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs, env });
    let out = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => {
        out += text;
      });
    child.on("error", failed);
    child.on("close", (code) =>
      code === 0
        ? done(out)
        : failed(new Error(`${command} ${args.join(" ")}: ${code}\n${out.slice(-OUTPUT_SHOWN_MAX)}`)),
    );
  });

export interface Runtime {
  readonly name: string;
  /** Runs a program of the folder, by its file. */
  readonly run: (file: string, ...args: ReadonlyArray<string>) => Promise<string>;
}

/** As docs/runtimes.md names them; what writes to no disk needs no more. */
export const DENO_PERMISSIONS = ["--no-prompt", "--allow-env", "--allow-net", "--allow-read", "--allow-sys=umask,ca"];

/** Without a loader, and without a flag but for Deno's permissions. */
export const runtimesOf = ({ empty }: Stranger, denoMore: ReadonlyArray<string> = []): ReadonlyArray<Runtime> => {
  const by = (name: string, command: string, ...first: ReadonlyArray<string>): Runtime => ({
    name,
    run: (file, ...args) => sh(command, [...first, file, ...args], { cwd: empty }),
  });
  const own = join(ROOT, "node_modules/.bin");
  return [
    by("node 24", process.execPath),
    by("deno", join(own, "deno"), "run", ...DENO_PERMISSIONS, ...denoMore),
    by("bun", join(own, "bun")),
    by("node 22", join(empty, "node_modules/node22/bin/node")),
    by("node 26", join(empty, "node_modules/node26/bin/node")),
  ];
};

/** The names by which its rooms are imported. */
export const entriesOf = ({ manifest }: Stranger): ReadonlyArray<string> =>
  Object.keys(manifest.exports).flatMap((name) => (name.endsWith(".json") ? [] : [`vipr${name.slice(1)}`]));
