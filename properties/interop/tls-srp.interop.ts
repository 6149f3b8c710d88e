/**
 * TLS-SRP against the stacks that others wrote. Each check makes handshakes over real TCP and moves data both ways, or makes
 * some that must fail, each with its alert. The whole matrix from Node, its diagonal from Deno and Bun; the table comes last.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { IDLE_RECORDS_MAX } from "../../machines/tls/inbound.ts";
import { gnutlsClient, libsslClient, libsslServer, outputOf, PASSWORD, until, userIn } from "./peers.ts";
import type { InteropCheck } from "./run.ts";
import {
  alertOf,
  both,
  type Cell,
  connect,
  diagonal,
  everyCell,
  exchange,
  GROUPS_AND_KEYS,
  type Row,
  rows,
  run,
  SWITCHES,
  serve,
  type Tried,
  tryRow,
  type World,
} from "./tls-srp-matrix.ts";

const tried: Array<Tried & { readonly runtime: string; readonly given: ReadonlyArray<Cell> }> = [];

const fullRow = (row: Row): InteropCheck => ({
  name: `tls-srp: ${row.name}, every cell`,
  needs: row.needs,
  run: async () => {
    const found = await run(tryRow(row, everyCell));
    tried.push({ ...found, runtime: "Node", given: everyCell });
    same(found.wrong, []);
  },
});

const diagonalOn = (runtime: string, command: string, words: ReadonlyArray<string>): InteropCheck => ({
  name: `tls-srp: the diagonal on ${runtime}`,
  needs: [command, ...rows.flatMap(({ needs }) => needs)],
  run: async () => {
    const script = new URL("tls-srp-diagonal.ts", import.meta.url).pathname;
    const found: ReadonlyArray<Tried> = JSON.parse(await outputOf(command, [...words, script]));
    for (const row of found) tried.push({ ...row, runtime, given: diagonal });
    same(
      found.map(({ row }) => row),
      rows.map(({ name }) => name),
    );
    same(
      found.flatMap(({ wrong }) => wrong),
      [],
    );
  },
});

const LIBSSL = ["gcc", "/usr/include/openssl/srp.h"];
const check = (name: string, needs: ReadonlyArray<string>, body: Effect.Effect<unknown, unknown, World>) => ({
  name: `tls-srp: ${name}`,
  needs,
  run: async () => void (await run(body)),
});

const strictness: ReadonlyArray<InteropCheck> = [
  check(
    "without `legacy`, our client refuses what lacks an extension, and 1024 bits",
    LIBSSL,
    Effect.gen(function* () {
      for (const without of SWITCHES.slice(1)) {
        const { port, said } = yield* libsslServer(128, without);
        const missing = without.extendedMasterSecret ? "extended_master_secret" : "encrypt_then_mac";
        same(yield* alertOf(port, {}), `ours: handshakeFailure, no ${missing}`);
        yield* until("our alert", () => said.text.includes("alert read 40"), said);
      }
      const { port, said } = yield* libsslServer(128, both);
      same(yield* alertOf(port, { userName: userIn(1024) }), "ours: insufficientSecurity, a group of 1024 bits");
      yield* until("our alert", () => said.text.includes("alert read 71"), said);
    }),
  ),
  check(
    "without `legacy`, our server refuses who lacks an extension",
    LIBSSL,
    Effect.gen(function* () {
      const { port } = yield* serve();
      for (const without of SWITCHES.slice(1)) {
        const call = { port, user: userIn(2048), password: PASSWORD, bits: 128, without } as const;
        const { code, said } = yield* libsslClient(call, 10);
        same([code, said.trim()], [1, "alert read 40"]);
      }
    }),
  ),
  check(
    "the groups of 1536, 3072, 6144 and 8192 bits, from libssl",
    LIBSSL,
    Effect.gen(function* () {
      const { port } = yield* libsslServer(128, both);
      for (const group of [1536, 3072, 6144, 8192] as const) {
        const options = { userName: userIn(group), groupBitsMin: group, groupBitsMax: group };
        const stream = yield* connect(port, options);
        same(stream.facts.group, group);
        yield* exchange(stream, 100);
      }
    }),
  ),
];

/** RFC 5246 §7.2.2: who asks to renegotiate hears no_renegotiation, alert 100. */
const renegotiation: ReadonlyArray<InteropCheck> = [
  check(
    "libssl's server asks our client to renegotiate",
    LIBSSL,
    Effect.gen(function* () {
      const { port, said } = yield* libsslServer(128, both, "renegotiate");
      const stream = yield* connect(port);
      yield* stream.write(Uint8Array.of(1, 2, 3));
      same(yield* stream.read, Uint8Array.of(1, 2, 3));
      yield* until("our alert", () => said.text.includes("alert read 100"), said);
    }),
  ),
  check(
    "libssl's client asks our server to renegotiate",
    LIBSSL,
    Effect.gen(function* () {
      const { port } = yield* serve();
      const call = { port, user: userIn(2048), password: PASSWORD, bits: 128, without: both } as const;
      const { said } = yield* libsslClient(call, 10, "renegotiate");
      ok(said.includes("secured") && said.includes("alert read 100"), said);
    }),
  ),
  check(
    "gnutls-cli asks our server to renegotiate again and again, until we hang up",
    ["gnutls-cli"],
    Effect.gen(function* () {
      const { port } = yield* serve();
      const call = { port, user: userIn(2048), password: PASSWORD, bits: 128, without: both } as const;
      const { child, said } = yield* gnutlsClient(call, "--inline-commands");
      yield* until("a handshake", () => said.text.includes("Handshake was completed"), said);
      child.stdin.write("^renegotiate^\n");
      yield* until("our last word", () => said.text.includes("alert [10]"), said);
      const refusals = said.text.split("alert [100]").length - 1;
      ok(refusals > 0 && refusals <= IDLE_RECORDS_MAX, said.text);
    }),
  ),
];

export const checks: ReadonlyArray<InteropCheck> = [
  ...rows.map(fullRow),
  diagonalOn("Deno", "deno", ["run", "-A"]),
  diagonalOn("Bun", "bun", []),
  ...strictness,
  ...renegotiation,
];

const markOf = (row: (typeof tried)[number], cell: Cell): string => {
  const index = row.given.findIndex(
    (one) => one.group === cell.group && one.bits === cell.bits && one.without === cell.without,
  );
  return index < 0 ? "." : row.cells[index] === null ? "+" : "X";
};

/** A line for each row and runtime; a column for each group and key, in it the four settings of the two extensions. */
export const summary = (): string => {
  if (tried.length === 0) return "";
  const width = 10;
  const titles = GROUPS_AND_KEYS.map(({ group, bits }) => `${group}/${bits}`.padEnd(width)).join("");
  const lines = tried.map((row) => {
    const marks = GROUPS_AND_KEYS.map(({ group, bits }) =>
      SWITCHES.map((without) => markOf(row, { group, bits, without }))
        .join("")
        .padEnd(width),
    );
    const faults = Object.entries(row.faults).map(([fault, alert]) => `${fault}: ${alert}`);
    return `${row.runtime.padEnd(6)}${row.row.padEnd(28)}${marks.join("")}${faults.join("; ")}`;
  });
  const legend = "four marks a cell: both extensions; no encrypt_then_mac; no extended_master_secret; neither";
  return [`TLS-SRP (${legend}; + held, X failed, . not tried)`, `${" ".repeat(34)}${titles}`, ...lines].join("\n");
};
