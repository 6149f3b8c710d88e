/** What the package promises by its manifests, and what its build does to a file. */
import { deepStrictEqual as same } from "node:assert";
import { globSync, readFileSync } from "node:fs";
import { test } from "../kit/harness.ts";
import { byModule } from "./build.ts";

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly sideEffects?: ReadonlyArray<string>;
}
const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8")) as Manifest;
const npm = read("package.json");
const jsr = read("deno.json");

const OTHERS: Readonly<Record<string, string>> = {
  ".": "actors/vipr/mod",
  "./kit": "actors/kit/entry",
  "./properties": "properties/kit/mod",
  "./machines/kit/xstate": "machines/kit/xstate",
  "./runtime/node": "runtime/node",
  "./runtime/deno": "runtime/deno",
  "./runtime/bun": "runtime/bun",
  "./runtime/memory": "runtime/memory",
};

test("package: one entry for each room, and for npm and JSR the same", () => {
  const rooms = globSync("{codecs,machines,actors}/*/mod.ts", { cwd: new URL("../../", import.meta.url).pathname });
  const files = Object.fromEntries(rooms.map((file) => [`./${file.slice(0, -"/mod.ts".length)}`, file.slice(0, -3)]));
  const wanted = { ...OTHERS, ...files };
  const { "./package.json": itself, ...entries } = npm.exports;
  same(itself, "./package.json");
  same(
    entries,
    Object.fromEntries(
      Object.entries(wanted).map(([name, file]) => [
        name,
        { types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` },
      ]),
    ),
  );
  same(jsr.exports, {
    ...Object.fromEntries(Object.entries(wanted).map(([name, file]) => [name, `./dist/${file}.js`])),
    "./internals": "./dist/internals.js",
  });
  same(jsr.version, npm.version);
});

test("docs/embedding.md: names each machine in its room", async () => {
  const root = new URL("../../", import.meta.url);
  const page = readFileSync(new URL("docs/embedding.md", root), "utf8");
  for (const file of globSync("machines/*/mod.ts", { cwd: root.pathname })) {
    const room = file.split("/")[1]!;
    const row = page.split("\n").find((line) => new RegExp(`^\\|[^|]*\`${room}\``).test(line)) ?? "";
    const exported: Readonly<Record<string, unknown>> = await import(new URL(file, root).href);
    const machines = Object.entries(exported).filter(([, value]) => isMachine(value));
    same([room, machines.filter(([name]) => !row.includes(`\`${name}\``)).map(([name]) => name)], [room, []]);
  }
});
const isMachine = (value: unknown): boolean =>
  typeof value === "object" && value !== null && ["start", "step", "isDone", "resume"].every((name) => name in value);

test("package: a bundler may leave out every file but programs", () => {
  const isProgram = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  for (const file of npm.sideEffects!) {
    const source = file.replace(/^\.\/dist\/(.*)\.js$/, "$1.ts");
    same([file, /^#!|isMainThread|parentPort/m.test(isProgram(source))], [file, true]);
  }
});

test("build: the whole of effect is loaded by nobody", () => {
  same(
    byModule('import { Effect, Queue as Q, pipe } from "effect";\nimport { Effect as E } from "./effect.js";'),
    'import * as Effect from "effect/Effect"; import * as Q from "effect/Queue"; import { pipe as pipe } from "effect/Function";\n' +
      'import { Effect as E } from "./effect.js";',
  );
});
