/**
 * A shell in which what a page shows is run as it stands there: `vipr` is this tree's under the runtime at hand, ports are free
 * ones. What a program asks for is read from a file, since nobody types.
 */
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { freePort } from "../kit/ports.ts";
import { MAIN, until } from "./processes.ts";

/** A free port for each one that the text names behind 127.0.0.1, or that it edits into another: `s/6084/6085/`. */
export const withFreePorts = async (text: string): Promise<(part: string) => string> => {
  const named = [...text.matchAll(/127\.0\.\d\.\d+:(\d{4})\b|s\/(\d{4})\/(\d{4})\/|:(\d{4}):127\.0\.0\.1/g)].flatMap(
    ([, ...ports]) => ports,
  );
  const ports = new Map<string, number>();
  for (const port of new Set(named.filter((one) => one !== undefined))) ports.set(port, await freePort());
  const any = new RegExp(`(?<=[:/])(${[...ports.keys()].join("|")})(?=[/:"'> ]|$)`, "gm");
  return (part) => part.replace(any, (port) => String(ports.get(port)));
};

export interface Shell {
  /** What it and its programs have printed, of both streams. */
  readonly said: () => string;
  /** Gives the block's exit code when it is over; what it has put behind itself runs on. */
  readonly run: (block: string) => Promise<string>;
  /** With all that it has started. */
  readonly end: () => Promise<void>;
}

/**
 * `typed`: what each `vipr` is given that asks for something, unless a pipe gives it. `within`: the command that runs the shell
 * elsewhere, as in another network.
 */
export const openShell = (folder: string, typed = "", within: ReadonlyArray<string> = []): Shell => {
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "bin", "typed"), typed);
  const own = "Deno" in globalThis ? "run -A " : "";
  const program = `"${process.execPath}" ${own}"${MAIN}" "$@"`;
  const shim = `#!/bin/sh\n[ -p /dev/stdin ] && exec ${program}\nexec ${program} <"${join(folder, "bin", "typed")}"\n`;
  writeFileSync(join(folder, "bin", "vipr"), shim);
  chmodSync(join(folder, "bin", "vipr"), 0o755);
  const env = { ...process.env, PATH: `${join(folder, "bin")}:${process.env.PATH}` };
  const [first, ...args] = [...within, "sh"];
  const shell = spawn(first!, args, { cwd: folder, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
  let said = "";
  for (const stream of [shell.stdout, shell.stderr]) stream.on("data", (bytes) => (said += bytes));
  let blocks = 0;
  return {
    said: () => said,
    run: (block) => {
      const mark = `block ${++blocks} is over`;
      shell.stdin.write(`{ ${block}\n} </dev/null\necho "${mark}: $?"\n`); // what it runs does not read the shell's own words
      return until(async () => new RegExp(`^${mark}: (\\d+)$`, "m").exec(said)?.[1], mark);
    },
    end: async () => {
      const ended = new Promise<void>((resolve) => shell.on("close", () => resolve()));
      process.kill(-shell.pid!, "SIGTERM");
      await ended;
    },
  };
};
