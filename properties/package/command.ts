/**
 * `dist/command/`: the `vipr` command in a few files, of which a start reads those that its subcommand uses.
 *
 *   dist/runtime/main.js, its imports, effect -- bun build --splitting --> dist/command/main.js, main-HASH.js, server-HASH.js ...
 *
 * A start of `vipr server` from files one a module loads 567 of them and keeps their text: 2.5 MB of it are `effect`, most of which
 * nobody calls. What other packages give is imported as it is installed. DECISIONS.md D-197.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";

/** From the root of this tree: its binary, which is no script of Node's. */
const BUN = "node_modules/bun/bin/bun.exe";
/** Copied into the files: `effect`, and what shares its values. Their licences ask that their notices go with them. */
const isBundled = (name: string): boolean => name === "effect" || name.startsWith("@effect/");

/** Of `dist/runtime`: the command, and what it starts by its place beside it. */
const PROGRAMS = ["main", "arithmetic/thread"];

export const buildCommand = (): void => {
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const names = Object.keys(dependencies);
  const external = names.filter((name) => !isBundled(name));
  const files = PROGRAMS.map((name) => `dist/runtime/${name}.js`);
  const words = ["--target=node", "--format=esm", "--splitting", "--root=dist/runtime", "--outdir=dist/command"];
  execFileSync(BUN, ["build", ...files, ...words, ...external.map((name) => `--external=${name}`)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const notices = names.filter(isBundled).map((name) => `${name}\n\n${noticeOf(name)}`);
  writeFileSync("dist/command/LICENSES", notices.join("\n"));
  chmodSync("dist/command/main.js", 0o755);
};

const noticeOf = (name: string): string => readFileSync(`node_modules/${name}/LICENSE`, "utf8");
