/** A folder of somebody who has installed the tarball, and the runtimes that they may run it with. */
import { join } from "node:path";
import process from "node:process";
import { type ProgramOptions, runProgram } from "../kit/side-by-side.ts";

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

const TIMEOUT_MS = 180_000;
const OUTPUT_SHOWN_MAX = 4_000;

/** Gives what it printed; fails with it when the exit code is not 0. */
export const sh = async (
  command: string,
  args: ReadonlyArray<string>,
  options: ProgramOptions & { readonly cwd: string },
): Promise<string> => {
  const { code, output } = await runProgram([command, ...args], { timeoutMs: TIMEOUT_MS, ...options });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${code}\n${output.slice(-OUTPUT_SHOWN_MAX)}`);
  return output;
};

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
