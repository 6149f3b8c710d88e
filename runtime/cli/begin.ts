/**
 * Before a command is loaded: whether this runtime is too old for it, and where Node keeps its compiled code, which halves the
 * time until a command is ready. DECISIONS.md D-178.
 */
import { statSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";
import process from "node:process";

/** The oldest that run it, by major and minor number. Bun 1.3 takes no address for the name in a certificate, and Deno 2.5 fails too. */
const OLDEST = { Node: [22, 19], Deno: [2, 9], Bun: [1, 4] } as const;

export interface Engine {
  readonly name: keyof typeof OLDEST;
  readonly version: string;
}

const engineHere = (): Engine => {
  const { Deno, Bun } = globalThis as {
    readonly Deno?: { readonly version: { readonly deno: string } };
    readonly Bun?: { readonly version: string };
  };
  if (Deno !== undefined) return { name: "Deno", version: Deno.version.deno };
  if (Bun !== undefined) return { name: "Bun", version: Bun.version };
  return { name: "Node", version: process.versions.node };
};

/** What is wrong with this runtime, in one sentence; undefined: nothing. */
export const whyNotHere = ({ name, version }: Engine = engineHere()): string | undefined => {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldest, oldestMinor] = OLDEST[name];
  if (major > oldest || (major === oldest && minor >= oldestMinor)) return undefined;
  const needed = Object.entries(OLDEST).map(([engine, numbers]) => `${engine} ${numbers.join(".")}`);
  return `vipr needs ${needed.join(", ")} or later; this is ${name} ${version}`;
};

/**
 * Where: below a directory of systemd's (CacheDirectory) or of the user. Undefined: there is none that nobody else writes to, for
 * of code that is kept no signature is looked at; then nothing is kept.
 */
export const cacheFolder = (
  env: Readonly<Record<string, string | undefined>>,
  isOurs: (folder: string) => boolean,
): string | undefined => {
  const { CACHE_DIRECTORY, XDG_CACHE_HOME, HOME } = env;
  const bases = [
    [CACHE_DIRECTORY?.split(":")[0], "code"],
    [XDG_CACHE_HOME, "vipr/code"],
    [HOME, ".cache/vipr/code"],
  ] as const;
  const found = bases.find(([base]) => base?.startsWith("/") && base !== "/");
  return found === undefined || !isOurs(found[0]!) ? undefined : join(...(found as [string, string]));
};

const isOurs = (folder: string): boolean => {
  try {
    const { uid, mode } = statSync(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0;
  } catch {
    return false;
  }
};

export const keepCode = (): void => {
  if (engineHere().name !== "Node" || process.env.NODE_COMPILE_CACHE !== undefined) return; // Node's own word for it goes before ours
  const folder = cacheFolder(process.env, isOurs);
  if (folder !== undefined) module.enableCompileCache?.(folder);
};
