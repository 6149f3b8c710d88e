/** Which version this is, and on what it runs: what a report of a fault begins with. */
import { readFileSync } from "node:fs";
import process from "node:process";
import { exitCode } from "../command/exit-codes.ts";
import { versionTable } from "../command/tables/tools.ts";
import { command } from "./options.ts";
import { say } from "./output.ts";

/** Beside `runtime/` in the tree, one folder further up in the package, where `dist/` is between. */
const MANIFESTS = ["../../package.json", "../../../package.json"];

/** `0.1.0`; unknown where no manifest of ours is found. */
export const versionOf = (manifests: ReadonlyArray<string> = MANIFESTS): string => {
  for (const path of manifests)
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as {
        readonly name?: string;
        readonly version?: string;
      };
      if (name === "vipr" && version !== undefined) return version;
    } catch {
      // Looked for at the next place.
    }
  return "unknown";
};

/** `vipr 0.1.0, Node 24.21.0, linux x64` */
export const versionText = (): string => {
  const { version, runtime, platform } = versionNow();
  return `vipr ${version}, ${runtime}, ${platform}`;
};

const versionNow = () => {
  const { bun, deno, node } = process.versions as { bun?: string; deno?: string; node: string };
  const runtime = bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : `Node ${node}`;
  return { version: versionOf(), runtime, platform: `${process.platform} ${process.arch}` };
};

export const versionCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(versionTable, args, async ({ json }) => {
    say(json ? JSON.stringify(versionNow()) : versionText());
    return exitCode.done;
  });
