/**
 * The house rules that a program can check: floors, doors, sizes, tables, hygiene. design: CONTRIBUTING.md.
 * DECISIONS.md D-039.
 */
import { deepStrictEqual as same } from "node:assert";
import { existsSync, readFileSync } from "node:fs";
import { isMessage, ownTargets } from "./fuzz/own.ts";
import { test } from "./kit/harness.ts";
import { circlesOf, codeOf, FLOORS, fileOf, functionsOf, importsOf, type Source, sources } from "./kit/source.ts";

const PACKAGES: Record<string, RegExp> = {
  codecs: /^(@noble\/hashes|fast-xml-parser|libphonenumber-js\/max\/metadata$)/,
  machines: /^(@noble\/hashes|@noble\/ciphers|xstate$)/,
  actors: /^effect(\/|$)/,
  runtime: /./,
  properties: /./,
};
/** Rooms that every role of their floor may enter by their files' doors. */
const COMMON = new Set(["kit", "wire", "shared", "ports"]);
const LINES_MAX: Record<string, number> = { codecs: 400, machines: 300, actors: 300, runtime: 300, properties: 700 };
/** Lines of one function, without the functions within it: what is read at once. */
const OWN_LINES_MAX = 50;
/** ... and with them: a part that is made of several. */
const FUNCTION_LINES_MAX = 120;
/** What a room shows to others. */
const MOD_NAMES_MAX = 140;
const FORBIDDEN: Record<string, RegExp> = {
  codecs: /\b(Date\.now|new Date\(\)|Math\.random|process\.|Deno\.|Bun\.)/,
  machines: /\b(Date\b|Math\.random|Promise|async |await |setTimeout|process\.|Deno\.|Bun\.)/,
  actors: /\b(Date\.now|new Date\(|Math\.random|setTimeout|process\.|Deno\.|Bun\.)/,
};

const floorOf = (floor: string): number => (FLOORS as ReadonlyArray<string>).indexOf(floor);

const found = (of: (source: Source) => ReadonlyArray<string>): ReadonlyArray<string> =>
  sources.flatMap((source) => of(source).map((fault) => `${source.path}: ${fault}`));

test("house: imports point down", () => {
  same(
    found((source) =>
      importsOf(source).flatMap((target) => {
        const floor = fileOf(source, target)?.split("/")[0] ?? source.floor;
        return floorOf(floor) > floorOf(source.floor) ? [`imports upward: ${target}`] : [];
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
            const [floor, room, ...rest] = fileOf(source, target)?.split("/") ?? [];
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
      const match = FORBIDDEN[source.floor]?.exec(codeOf(source.text));
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

test("house: no file is in an import circle, types included", () => {
  const graph = new Map(
    sources.map((source) => [source.path, importsOf(source).flatMap((target) => fileOf(source, target) ?? [])]),
  );
  same(circlesOf(graph), []);
});

test("house: functions fit on a screen", () => {
  const program = sources.filter(({ floor }) => floor !== "properties").flatMap(functionsOf);
  same(
    program
      .filter(({ own, lines }) => own > OWN_LINES_MAX || lines > FUNCTION_LINES_MAX)
      .map(({ path, line, own, lines }) => `${path}:${line}: ${own} lines of its own, ${lines} in all`),
    [],
  );
});

test("house: a room's mod.ts is read at a glance", () => {
  same(
    sources
      .filter(({ path }) => path.endsWith("/mod.ts"))
      .flatMap(({ path, text }) => {
        const names = [...codeOf(text).matchAll(/\b(?:type )?(\w+)(?=\s*[,}])/g)].length;
        return names > MOD_NAMES_MAX ? [`${path}: ${names} names, over ${MOD_NAMES_MAX}`] : [];
      }),
    [],
  );
});

test("house: no test asserts on the wall clock; a law about time is a timingLaw", () => {
  same(
    sources
      .filter(({ path, text }) => path.endsWith(".test.ts") && /performance\.now\(|hrtime\(/.test(text))
      .filter((source) => !importsOf(source).includes("../kit/timing.ts"))
      .map(({ path }) => path),
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
    .flatMap((s) => [...s.text.matchAll(/export const (\w+)[^=]*= machine\(/g)].map((match) => match[1]!));
  same(machines.length > 0, true);
  same(
    machines.filter((name) => !existsSync(`properties/tables/${name}.txt`)),
    [],
  );
});

/** The text of every file of properties whose name ends so. */
const texts = (end: string): ReadonlyArray<string> =>
  sources.filter(({ path }) => path.startsWith("properties/") && path.endsWith(end)).map(({ text }) => text);

test("house: each machine has its laws", () => {
  const all = texts(".ts").join("\n");
  const machines = sources
    .filter((s) => s.floor === "machines" && s.room !== "kit")
    .flatMap((s) => [...s.text.matchAll(/export const (\w+)[^=]*= machine\(/g)].map((match) => match[1]!));
  const isAsked = (name: string) => new RegExp(`(machineLaws|machineSubject)\\(\\s*${name}\\b`).test(all);
  same(
    machines.filter((name) => !isAsked(name)),
    [],
  );
});

/** What a room of codecs exports, by its mod.ts. */
const codecs: ReadonlyArray<readonly [room: string, names: Readonly<Record<string, unknown>>]> = await Promise.all(
  sources
    .filter(({ path }) => /^codecs\/\w+\/mod\.ts$/.test(path))
    .map(async ({ room, path }) => [room, await import(`../${path}`)] as const),
);

test("house: each message that a room of codecs exports has the laws of messages", async () => {
  // `properties/fuzz/targets.test.ts` asks them of each of these.
  const asked = new Set((await ownTargets()).map(({ name }) => name));
  same(
    // `codecs/wire` has the words of descriptions, and no message.
    codecs.flatMap(([room, names]) =>
      Object.entries(names).flatMap(([name, value]) =>
        room !== "wire" && isMessage(value) && !asked.has(name) ? [`${room}: ${name}`] : [],
      ),
    ),
    [],
  );
});

test("house: each reader that a room of codecs exports stands in a law", () => {
  // A file without a drawn value has no law. The house's own words of descriptions are asked by the laws of messages.
  const laws = [...texts(".test.ts"), ...texts("laws-of-wire.ts")].filter((text) => /\bfc\./.test(text)).join("\n");
  const isReader = (name: string, value: unknown) =>
    typeof value === "function" && /^(read|parse|decode|cut)([A-Z]|$)/.test(name);
  same(
    codecs.flatMap(([room, names]) =>
      Object.entries(names).flatMap(([name, value]) =>
        isReader(name, value) && !new RegExp(`\\b${name}\\b`).test(laws) ? [`${room}: ${name}`] : [],
      ),
    ),
    [],
  );
});

/** Where the laws of each port stand. Every store, every runtime's streams, TLS and keys are asked the first few. */
const PORT_LAWS: Readonly<Record<string, string>> = {
  ByteStream: "kit/laws-of-streams.ts",
  Dialer: "kit/laws-of-streams.ts",
  Listener: "kit/laws-of-streams.ts",
  Keys: "kit/laws-of-keys.ts",
  Store: "kit/laws-of-store.ts",
  Arithmetic: "tls/srp.test.ts",
  Authority: "runtime/authority.test.ts",
  Datagrams: "runtime/datagrams.test.ts",
  Dns: "runtime/dns.test.ts",
  Entropy: "runtime/ports.test.ts",
  Https: "runtime/https.test.ts",
  Macs: "runtime/seals.test.ts",
  Pstn: "pstn/network.test.ts",
  Seals: "runtime/seals.test.ts",
  SrtpCiphers: "srtp/primitives.test.ts",
};
test("house: each port has its laws", () => {
  const ports = sources
    .filter(({ path }) => path.startsWith("actors/ports/"))
    .flatMap(({ text }) =>
      [...codeOf(text).matchAll(/export (?:class|const) (\w+)(?: extends |: )Context\./g)].map((match) => match[1]!),
    );
  same(ports.sort(), Object.keys(PORT_LAWS).sort());
  const namesOf: Readonly<Record<string, RegExp>> = {
    ByteStream: /\b(Dialer|Listener)\b/,
    Pstn: /makePstn/,
    Authority: /makeAuthority/,
    SrtpCiphers: /Primitives/,
  };
  same(
    Object.entries(PORT_LAWS).filter(([port, file]) => {
      const text = sources.find(({ path }) => path === `properties/${file}`)?.text ?? "";
      return !(namesOf[port] ?? new RegExp(`\\b${port}\\b`)).test(text);
    }),
    [],
  );
});

test("house: the lock file names no registry", () => {
  same([...readFileSync("package-lock.json", "utf8").matchAll(/"resolved"/g)].length, 0);
});

/** Rooms whose own tables of requests have not moved to `Replies` yet. */
const OWN_REPLIES = /^actors\/(kit|sip|ticket)\//;

test("house: who waits for which answer is kept by actors/kit, and by nobody for himself", () => {
  const mine = /Map<[^;=]*Deferred\.Deferred</;
  same(mine.test("const waiting = new Map<number, Deferred.Deferred<Body>>();"), true);
  same(
    found(({ path, floor, text }) =>
      (floor === "actors" || floor === "runtime") && !OWN_REPLIES.test(path) && mine.test(codeOf(text))
        ? ["has a Map of Deferreds: take Replies or Shared of actors/kit"]
        : [],
    ),
    [],
  );
});
