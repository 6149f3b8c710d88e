/**
 * The house rules that a program can check: floors, doors, sizes, tables, hygiene. design: CONTRIBUTING.md.
 * DECISIONS.md D-039.
 */
import { deepStrictEqual as same } from "node:assert";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "./kit/harness.ts";

const FLOORS = ["codecs", "machines", "actors", "runtime", "properties"];
const PACKAGES: Record<string, RegExp> = {
  codecs: /^(@noble\/hashes|fast-xml-parser)/,
  machines: /^(@noble\/hashes|@noble\/ciphers|xstate$)/,
  actors: /^effect(\/|$)/,
  runtime: /./,
  properties: /./,
};
/** Rooms that every role of their floor may enter by their files' doors. */
const COMMON = new Set(["kit", "wire", "shared", "ports"]);
const LINES_MAX: Record<string, number> = { codecs: 400, machines: 300, actors: 300, runtime: 300, properties: 700 };
const FORBIDDEN: Record<string, RegExp> = {
  codecs: /\b(Date\.now|new Date\(\)|Math\.random|process\.|Deno\.|Bun\.)/,
  machines: /\b(Date\b|Math\.random|Promise|async |await |setTimeout|process\.|Deno\.|Bun\.)/,
  actors: /\b(Date\.now|new Date\(|Math\.random|setTimeout|process\.|Deno\.|Bun\.)/,
};

interface Source {
  readonly path: string;
  readonly floor: string;
  readonly room: string;
  readonly text: string;
}

const sources: ReadonlyArray<Source> = FLOORS.flatMap((floor) =>
  globSync(`${floor}/**/*.ts`).map((path) => {
    const unix = path.replaceAll("\\", "/");
    const parts = unix.split("/");
    return { path: unix, floor, room: parts.length > 2 ? parts[1]! : "", text: readFileSync(path, "utf8") };
  }),
);

const importsOf = ({ text }: Source): ReadonlyArray<string> =>
  [...text.matchAll(/^\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gm)].map(
    (match) => (match[1] ?? match[2])!,
  );

const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");

const found = (of: (source: Source) => ReadonlyArray<string>): ReadonlyArray<string> =>
  sources.flatMap((source) => of(source).map((fault) => `${source.path}: ${fault}`));

test("house: imports point down", () => {
  same(
    found((source) =>
      importsOf(source).flatMap((target) => {
        if (!target.startsWith(".")) return [];
        const floor = normalize(join(dirname(source.path), target))
          .replaceAll("\\", "/")
          .split("/")[0]!;
        return FLOORS.indexOf(floor) > FLOORS.indexOf(source.floor) ? [`imports upward: ${target}`] : [];
      }),
    ),
    [],
  );
});

test("house: each floor knows only its own packages", () => {
  same(
    found((source) =>
      importsOf(source).flatMap((target) =>
        target.startsWith(".") || PACKAGES[source.floor]!.test(target) ? [] : [`may not import ${target}`],
      ),
    ),
    [],
  );
});

test("house: another room is entered by its mod.ts", () => {
  same(
    found((source) =>
      source.floor === "properties" || source.floor === "runtime"
        ? []
        : importsOf(source).flatMap((target) => {
            if (!target.startsWith(".")) return [];
            const [floor, room, ...rest] = normalize(join(dirname(source.path), target))
              .replaceAll("\\", "/")
              .split("/");
            const own = floor === source.floor && room === source.room;
            if (own || rest.length === 0 || rest.at(-1) === "mod.ts") return [];
            return COMMON.has(room!) && floor === source.floor
              ? []
              : [`enters ${floor}/${room} by the window: ${target}`];
          }),
    ),
    [],
  );
});

test("house: each room has a door", () => {
  const rooms = new Set(
    sources
      .filter((s) => s.room !== "" && ["codecs", "machines", "actors"].includes(s.floor))
      .map((s) => `${s.floor}/${s.room}`),
  );
  same(
    [...rooms].filter((room) => !existsSync(`${room}/mod.ts`)),
    [],
  );
});

test("house: codecs, machines and actors know no time, chance or runtime", () => {
  same(
    found((source) => {
      const match = FORBIDDEN[source.floor]?.exec(code(source.text));
      return match === undefined || match === null ? [] : [`says ${match[0]}`];
    }),
    [],
  );
});

test("house: files stay small", () => {
  same(
    found((source) => {
      const lines = source.text.split("\n").length;
      return lines > LINES_MAX[source.floor]! ? [`${lines} lines, over ${LINES_MAX[source.floor]}`] : [];
    }),
    [],
  );
});

test("house: a stranger who opens a file is told which room it is", () => {
  same(
    found((source) => (/^(#!.*\n)?\/\*\*/.test(source.text) ? [] : ["does not open with a comment"])),
    [],
  );
});

test("house: each machine has its committed table", () => {
  const machines = sources
    .filter((s) => s.floor === "machines" && s.room !== "kit")
    .flatMap((s) => [...s.text.matchAll(/export const (\w+)[^=]*= machine(Of<|\()/g)].map((match) => match[1]!));
  same(machines.length > 0, true);
  same(
    machines.filter((name) => !existsSync(`properties/tables/${name}.txt`)),
    [],
  );
});

test("house: the lock file names no registry", () => {
  same([...readFileSync("package-lock.json", "utf8").matchAll(/"resolved"/g)].length, 0);
});
