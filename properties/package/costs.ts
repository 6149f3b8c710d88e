/**
 * What each entry brings with it, and what it weighs, bundled, minified and compressed: whole, and one codec out of it, since a
 * bundler leaves out what is not imported. DECISIONS.md D-199.
 */
import { deepStrictEqual as same } from "node:assert";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { entriesOf, type Stranger, sh } from "./stranger.ts";

interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}
/** By the first that an input's path has. */
const OTHERS = ["effect", "xstate", "fast-xml-parser", "libphonenumber-js", "cbor-x", "@peculiar"];

interface Cost {
  readonly entry: string;
  readonly kB: number;
  /** The packages of others in it, of those that weigh. */
  readonly brings: ReadonlyArray<string>;
}

/** A bundle that is weighed: its code, and the entry that it is about. */
interface Weighed {
  readonly entry: string;
  readonly code: string;
}

const weigh = async <W extends Weighed>(
  { empty, tools }: Stranger,
  folder: string,
  bundles: ReadonlyArray<W>,
): Promise<ReadonlyArray<Cost & { readonly of: W }>> => {
  mkdirSync(join(empty, folder));
  for (const [i, { code }] of bundles.entries()) writeFileSync(join(empty, `${folder}/e${i}.mjs`), code);
  const words = ["--bundle", "--minify", "--format=esm", "--platform=node"];
  const where = [`--outdir=${folder}/out`, `--metafile=${folder}/meta`, "--external:fast-check"];
  const files = bundles.map((_, i) => `${folder}/e${i}.mjs`);
  await sh(join(tools, "node_modules/.bin/esbuild"), [...files, ...words, ...where], { cwd: empty });
  const { outputs } = JSON.parse(readFileSync(join(empty, `${folder}/meta`), "utf8")) as Metafile;
  return bundles.map((of, i) => {
    const file = `${folder}/out/e${i}.js`;
    const inputs = Object.entries(outputs[file]!.inputs).flatMap(([input, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [input] : [],
    );
    const brings = OTHERS.filter((name) => inputs.some((input) => input.startsWith(`node_modules/${name}/`)));
    return { of, entry: of.entry, kB: gzipSync(readFileSync(join(empty, file))).length / 1_000, brings };
  });
};

/** What reads and writes by a description. */
const DESCRIBED = 'import { decode, encode } from "vipr/codecs/wire"; console.log(decode, encode);';
/** One codec of each room that weighs more than CODEC_KB_MAX whole, unless XML or the numbering plans of the world are what it is. */
const CODECS: ReadonlyArray<readonly [what: string, entry: string, names: string, described?: boolean]> = [
  ["VAP's message", "vipr/codecs/vap", "VapMessage", true],
  ["VAP's message and its integrity", "vipr/codecs/vap", "VapMessage, checkRequest, protect, vapKey", true],
  ["RELOAD's forwarding header", "vipr/codecs/reload", "ForwardingHeader", true],
  ["RELOAD's messages, all of them", "vipr/codecs/reload", "Packet, Payload, decodeBody, encodeBody", true],
  ["SIP's messages", "vipr/codecs/sip", "parseSip, printSip"],
  ["SIP's messages out of a stream", "vipr/codecs/sip", "cutSip, emptySipRemainder, printSip"],
  ["SDP", "vipr/codecs/sip", "parseSdp, printSdp"],
  ["PVP's user names", "vipr/codecs/validation", "parseUserName, printUserName"],
  ["Asterisk's records", "vipr/codecs/cdr", "asteriskReader"],
];
const CODEC_KB_MAX = 15;

/** Codecs and machines are for those who have neither Effect nor XState; of a codec alone, a page takes no more than it needs. */
export const judgeCosts = async (stranger: Stranger): Promise<void> => {
  const whole = await weigh(
    stranger,
    "whole",
    entriesOf(stranger).map((entry) => ({ entry, code: `export * from "${entry}";` })),
  );
  const alone = await weigh(
    stranger,
    "alone",
    CODECS.map(([what, entry, names, isDescribed = false]) => ({
      ...{ what, entry },
      code: `import { ${names} } from "${entry}"; console.log(${names});${isDescribed ? DESCRIBED : ""}`,
    })),
  );
  const show = (name: string, { kB, brings }: Cost) =>
    console.log(`        ${name.padEnd(32)}${kB.toFixed(1).padStart(6)} kB  ${brings.join(" ")}`);
  for (const cost of whole) show(cost.entry, cost);
  for (const cost of alone) show(cost.of.what, cost);
  const heavy = whole.filter(
    ({ entry, brings }) =>
      /^vipr\/(codecs|machines)\//.test(entry) && brings.some((name) => name === "effect" || name === "xstate"),
  );
  same(
    heavy.map(({ entry }) => entry),
    ["vipr/machines/kit/xstate"],
  );
  same(
    alone.filter(({ kB, brings }) => kB > CODEC_KB_MAX || brings.length > 0).map(({ of }) => of.what),
    [],
  );
};
