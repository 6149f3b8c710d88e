/** What each entry brings with it, and what it weighs: bundled whole, minified and compressed. */
import { deepStrictEqual as same } from "node:assert";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { entriesOf, type Stranger, sh } from "./stranger.ts";

interface Metafile {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
}
/** By the first that an input's path has. */
const OTHERS = ["effect", "xstate", "fast-xml-parser", "libphonenumber-js", "cbor-x", "@peculiar"];

export interface Cost {
  readonly entry: string;
  readonly kB: number;
  /** The packages of others in it, of those that weigh. */
  readonly brings: ReadonlyArray<string>;
}

export const costsOf = async (stranger: Stranger): Promise<ReadonlyArray<Cost>> => {
  const { empty, tools } = stranger;
  const entries = entriesOf(stranger);
  mkdirSync(join(empty, "whole"));
  for (const [i, entry] of entries.entries())
    writeFileSync(join(empty, `whole/e${i}.mjs`), `export * from "${entry}";`);
  const words = [
    "--bundle",
    "--minify",
    "--format=esm",
    "--platform=node",
    "--outdir=whole/out",
    "--metafile=whole/meta",
  ];
  const files = entries.map((_, i) => `whole/e${i}.mjs`);
  await sh(join(tools, "node_modules/.bin/esbuild"), [...files, ...words, "--external:fast-check"], { cwd: empty });
  const { outputs } = JSON.parse(readFileSync(join(empty, "whole/meta"), "utf8")) as Metafile;
  return entries.map((entry, i) => {
    const file = `whole/out/e${i}.js`;
    const inputs = Object.keys(outputs[file]!.inputs);
    const brings = OTHERS.filter((name) => inputs.some((input) => input.startsWith(`node_modules/${name}/`)));
    return { entry, kB: gzipSync(readFileSync(join(empty, file))).length / 1_000, brings };
  });
};

/** Codecs and machines are for those who have neither Effect nor XState. */
export const judgeCosts = async (stranger: Stranger): Promise<void> => {
  const costs = await costsOf(stranger);
  for (const { entry, kB, brings } of costs)
    console.log(`        ${entry.padEnd(28)}${kB.toFixed(1).padStart(6)} kB  ${brings.join(" ")}`);
  const heavy = costs.filter(
    ({ entry, brings }) =>
      /^vipr\/(codecs|machines)\//.test(entry) && brings.some((name) => name === "effect" || name === "xstate"),
  );
  same(
    heavy.map(({ entry }) => entry),
    ["vipr/machines/kit/xstate"],
  );
};
