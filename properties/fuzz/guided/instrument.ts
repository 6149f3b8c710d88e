/**
 * Counters in the code that is searched: a bundle of it is instrumented, and so is each reader that is compiled from a description
 * while it runs (`new Function`). All counters of branches and functions lie in rows of numbers, which are looked at after each run.
 */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

interface FileCoverage {
  s: Record<string, number> | Uint32Array;
  f: Record<string, number> | Uint32Array;
  b: Record<string, Array<number> | Uint32Array>;
}

export interface Instrumented<M> {
  readonly module: M;
  /** Those that there are by now: code that is compiled later has its own. */
  readonly counters: ReadonlyArray<Uint32Array>;
  /** The code is as it was: what is compiled from now on has no counters. */
  readonly end: () => void;
}

const BUN = new URL("../../../node_modules/bun/bin/bun.exe", import.meta.url).pathname;
const CACHE = new URL("../../../node_modules/.cache/vipr-fuzz/", import.meta.url).pathname;
const VARIABLE = "__viprCoverage";

const coverage = (): Record<string, FileCoverage> => {
  const all = globalThis as unknown as Record<string, Record<string, FileCoverage> | undefined>;
  const found = all[VARIABLE] ?? {};
  all[VARIABLE] = found;
  return found;
};

/** Each bundle has a name of its own: runtimes keep what they have loaded by it. */
let loads = 0;
/**
 * What `file` exports under these names. What those need of ours, and the XML parser, is searched as well; other packages are not.
 */
export const loadInstrumented = async <M>(file: URL, names: ReadonlyArray<string>): Promise<Instrumented<M>> => {
  const stem = `${CACHE}${process.pid}-${loads++}`;
  const [entry, bundle] = [`${stem}-entry.ts`, `${stem}.mjs`];
  mkdirSync(CACHE, { recursive: true });
  const counters: Array<Uint32Array> = [];
  const known = new Set<string>();
  const take = (): void => {
    for (const [name, one] of Object.entries(coverage())) {
      if (known.has(name)) continue;
      known.add(name);
      counters.push(rowOf(one));
    }
  };
  try {
    // An entry of its own: what the other targets need is left out, and has no counters to look at.
    writeFileSync(entry, `export { ${names.join(", ")} } from ${JSON.stringify(file.pathname)};\n`);
    const words = ["build", entry, "--target=node", "--format=esm", `--outfile=${bundle}`];
    await promisify(execFile)(BUN, [...words, ...EXTERNAL.map((name) => `--external=${name}`)]);
    writeFileSync(bundle, instrumented(readFileSync(bundle, "utf8"), bundle, true));
    for (const name of Object.keys(coverage())) known.add(name); // of an earlier target
    const end = instrumentFunctions(take);
    const module = (await import(pathToFileURL(bundle).href)) as M;
    take();
    return { module, counters, end };
  } finally {
    for (const one of [entry, bundle]) rmSync(one, { force: true });
  }
};
const EXTERNAL = ["effect", "@effect/*", "xstate", "fast-check", "libphonenumber-js", "@noble/*", "cbor-x"];

/** It has no types of its own. */
interface Instrumenting {
  readonly createInstrumenter: (options: object) => { readonly instrumentSync: (code: string, file: string) => string };
}
const { createInstrumenter } = createRequire(import.meta.url)("istanbul-lib-instrument") as Instrumenting;

const instrumented = (code: string, file: string, esModules: boolean): string =>
  createInstrumenter({ esModules, compact: true, coverageVariable: VARIABLE, reportLogic: false }).instrumentSync(
    code,
    file,
  );

/** The counters of a file moved into one row of numbers, which its code counts in from then on. */
const rowOf = (file: FileCoverage): Uint32Array => {
  const branches = Object.entries(file.b);
  const functions = Object.keys(file.f).length;
  const count = functions + branches.reduce((sum, [, arms]) => sum + arms.length, 0);
  const row = new Uint32Array(count + (count & 1)); // an even number: a search looks at two at once
  file.f = row.subarray(0, functions);
  let at = functions;
  for (const [name, arms] of branches) {
    file.b[name] = row.subarray(at, at + arms.length);
    at += arms.length;
  }
  file.s = new Uint32Array(Object.keys(file.s).length);
  return row;
};

/** Of all targets: each has a name of its own. */
let compiledCount = 0;
/** What `new Function` makes is instrumented as well; gives what ends that. */
const instrumentFunctions = (take: () => void): (() => void) => {
  const own = globalThis.Function;
  const construct = (_: unknown, given: Array<string>): object => {
    const text = given.at(-1) ?? "";
    if (given.length < 2 || text.length < 40) return Reflect.construct(own, given); // istanbul's own
    const whole = `var made = function (${given.slice(0, -1).join(",")}) {${text}\n};`;
    const code = `${instrumented(whole, `compiled-${compiledCount++}`, false)}; return made;`;
    const compiled = (Reflect.construct(own, [code]) as () => object)();
    take();
    return compiled;
  };
  globalThis.Function = new Proxy(own, { construct: construct as never });
  return () => {
    globalThis.Function = own;
  };
};
