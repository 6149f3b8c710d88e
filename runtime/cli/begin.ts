/**
 * Before a command is loaded: whether this Node can run it, and where its compiled code is kept, which halves the time until a
 * command is ready. DECISIONS.md D-178.
 */
import { statSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";
import process from "node:process";

const NODE_MIN = [22, 19] as const;

const isNode = !("Deno" in globalThis || "Bun" in globalThis);

/** What is wrong with this runtime, in one sentence; undefined: nothing. */
export const whyNotHere = (version: string = process.versions.node): string | undefined => {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [least, leastMinor] = NODE_MIN;
  return !isNode || major > least || (major === least && minor >= leastMinor)
    ? undefined
    : `vipr needs Node ${NODE_MIN.join(".")} or later, Deno or Bun; this is Node ${version}`;
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
  if (!isNode || process.env.NODE_COMPILE_CACHE !== undefined) return; // Node's own word for it goes before ours
  const folder = cacheFolder(process.env, isOurs);
  if (folder !== undefined) module.enableCompileCache?.(folder);
};
