/**
 * Builds `dist/` after an install in this tree and before `npm pack`, so that the tree is found by its name as the package is.
 * JavaScript, for whatever Node npm has: where the development's packages were left out, ours is left out too.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";

const root = new URL("../../", import.meta.url);
const isInstall = ["ci", "install", "i", "add", "update", "link"].includes(process.env.npm_command ?? "");
const NEEDED = ["typescript", "node/bin/node", "bun/bin/bun.exe"];
if (NEEDED.every((file) => existsSync(new URL(`node_modules/${file}`, root)))) {
  const build = new URL("build.ts", import.meta.url).pathname;
  const node = new URL("node_modules/node/bin/node", root).pathname;
  process.exitCode = spawnSync(node, [build], { stdio: "inherit", cwd: root }).status ?? 1;
} else {
  console.error("vipr: dist/ was not built, for that needs the development's packages, which are not installed; the sources run without it");
  process.exitCode = isInstall ? 0 : 1;
}
