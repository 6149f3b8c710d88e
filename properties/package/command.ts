/**
 * `dist/command/`: the `vipr` command in a few files, of which a start reads those that its subcommand uses.
 *
 *   dist/runtime/main.js, its imports, effect -- bun build --splitting --> dist/command/main.js, main-HASH.js, server-HASH.js ...
 *
 * A start of `vipr server` from files one a module loads 567 of them and keeps their text: 2.5 MB of it are `effect`, most of which
 * nobody calls. What other packages give is imported as it is installed. DECISIONS.md D-197.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync } from "node:fs";

/** From the root of this tree: its binary, which is no script of Node's. */
const BUN = "node_modules/bun/bin/bun.exe";
/** The one package that is copied into the files. Its licence asks that its notice goes with it. */
const BUNDLED = "effect";

/** Of `dist/runtime`: the command, and what it starts by its place beside it. */
const PROGRAMS = ["main", "arithmetic/thread"];

export const buildCommand = (): void => {
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const external = Object.keys(dependencies).filter((name) => name !== BUNDLED);
  const files = PROGRAMS.map((name) => `dist/runtime/${name}.js`);
  const words = ["--target=node", "--format=esm", "--splitting", "--root=dist/runtime", "--outdir=dist/command"];
  execFileSync(BUN, ["build", ...files, ...words, ...external.map((name) => `--external=${name}`)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  copyFileSync(`node_modules/${BUNDLED}/LICENSE`, `dist/command/LICENSE.${BUNDLED}`);
  chmodSync("dist/command/main.js", 0o755);
};
