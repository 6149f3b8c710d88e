/**
 * The matrix of TLS-SRP: each peer, either way round, in every group, key size and with each of the two extensions on and
 * off; every handshake moves data both ways and must have settled what the cell says. Runs on Node, Deno and Bun.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Layer, Scope } from "effect";
import { type Arithmetic, type ByteStreamShape, Dialer, type Entropy, Listener } from "../../actors/ports/mod.ts";
import {
  HandshakeFailed,
  type TlsSrpClientOptions,
  type TlsSrpServerOptions,
  type TlsStream,
  tlsSrpClient,
  tlsSrpServer,
} from "../../actors/tls/mod.ts";
import { concat, utf8 } from "../../codecs/shared/mod.ts";
import type { SrpGroupBits } from "../../codecs/tls/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { nodeLayer } from "../../runtime/node.ts";
import {
  APACHE,
  APACHE_MODULES,
  apacheServer,
  type Caller,
  curl,
  ended,
  GROUPS,
  gnutlsClient,
  gnutlsServer,
  gnutlsUsers,
  HOST,
  type KeyBits,
  libsslClient,
  libsslServer,
  opensslSuite,
  PASSWORD,
  until,
  userIn,
  type Without,
} from "./peers.ts";

export type World = Arithmetic | Dialer | Entropy | Listener | Scope.Scope;

/** Deno and Bun open their ports by the same layer: runtime/deno.ts, runtime/bun.ts. */
export const run = <A, E>(effect: Effect.Effect<A, E, World>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.provide(effect, Layer.merge(nodeLayer(), arithmeticLayer))));

export interface Cell {
  readonly group: SrpGroupBits;
  readonly bits: KeyBits;
  readonly without: Without;
}

export const SWITCHES: ReadonlyArray<Without> = [
  { encryptThenMac: false, extendedMasterSecret: false },
  { encryptThenMac: true, extendedMasterSecret: false },
  { encryptThenMac: false, extendedMasterSecret: true },
  { encryptThenMac: true, extendedMasterSecret: true },
];
export const both: Without = SWITCHES[0]!;
const KEY_BITS: ReadonlyArray<KeyBits> = [128, 256];

export const GROUPS_AND_KEYS = GROUPS.flatMap((group) => KEY_BITS.map((bits) => ({ group, bits })));
export const everyCell: ReadonlyArray<Cell> = GROUPS.flatMap((group) =>
  KEY_BITS.flatMap((bits) => SWITCHES.map((without) => ({ group, bits, without }))),
);
/** Each group, key size and switch at least once. */
export const diagonal: ReadonlyArray<Cell> = [
  { group: 1024, bits: 256, without: SWITCHES[3]! },
  { group: 2048, bits: 128, without: SWITCHES[0]! },
  { group: 2048, bits: 256, without: SWITCHES[1]! },
  { group: 4096, bits: 128, without: SWITCHES[2]! },
];

/** What may go wrong on purpose, and the alert that must tell of it. */
export type Fault = "wrong password" | "unknown user" | "unknown user, told";

export interface Row {
  readonly name: string;
  readonly needs: ReadonlyArray<string>;
  /** Opens what the whole row needs, then says how one cell is tried, and how a fault must end. */
  readonly open: Effect.Effect<
    {
      readonly tries: (cell: Cell) => Effect.Effect<void, unknown, World>;
      readonly fails: (fault: Fault) => Effect.Effect<string, unknown, World>;
    },
    unknown,
    World
  >;
  /** The alert each fault must end in; a fault that the row does not know is left out. */
  readonly alerts: { readonly [F in Fault]?: string };
}

const isLegacy = ({ without }: Pick<Cell, "without">): boolean =>
  without.encryptThenMac || without.extendedMasterSecret;

const factsOf = ({ group, bits, without }: Cell) => ({
  suite: `TLS_SRP_SHA_WITH_AES_${bits}_CBC_SHA`,
  group,
  extendedMasterSecret: !without.extendedMasterSecret,
  encryptThenMac: !without.encryptThenMac,
});

/** One of each, made when it is first asked for, and kept for the row. */
const eachOnce = <K, A, E, R>(make: (key: K) => Effect.Effect<A, E, R>) =>
  Effect.map(Effect.scope, (scope) => {
    const made = new Map<string, A>();
    return (key: K): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
      Effect.suspend(() => {
        const known = made.get(JSON.stringify(key));
        if (known !== undefined) return Effect.succeed(known);
        const one = Effect.tap(make(key), (fresh) => Effect.sync(() => made.set(JSON.stringify(key), fresh)));
        return Scope.provide(one, scope);
      });
  });

export const connect = Effect.fnUntraced(function* (port: number, options: Partial<TlsSrpClientOptions> = {}) {
  const { dial } = yield* Dialer;
  const below = yield* dial({ host: HOST, port });
  return yield* tlsSrpClient(below, { userName: userIn(2048), password: PASSWORD, ...options });
});

const connectFor = ({ group, without }: Cell, port: number) =>
  connect(port, { userName: userIn(group), groupBitsMin: group, legacy: isLegacy({ without }) });

/** The alert that ends a handshake of ours, by its name; ours, where we sent it. */
export const alertOf = (port: number, options: Partial<TlsSrpClientOptions>) =>
  Effect.map(Effect.flip(Effect.scoped(connect(port, options))), (failure) => {
    if (!(failure instanceof HandshakeFailed)) throw failure;
    const { outcome } = failure;
    if (outcome.type === "refused") return `ours: ${outcome.alert}, ${outcome.why}`;
    return outcome.type === "alerted" ? String(outcome.alert) : failure.why;
  });
const faultOf = (port: number) => (fault: Fault) =>
  alertOf(port, fault === "wrong password" ? { password: "wrong" } : { userName: "bob", groupBitsMin: 1024 });

const readAll = (stream: ByteStreamShape, size: number) =>
  Effect.gen(function* () {
    let held: Uint8Array = new Uint8Array();
    while (held.length < size) held = concat(held, yield* stream.read);
    return held;
  });

/** Sends lines and more, and wants the same back. */
export const exchange = (stream: TlsStream, size: number) =>
  Effect.gen(function* () {
    const sent = Uint8Array.from({ length: size }, (_, i) => (i % 64 === 63 ? 10 : 65 + (i % 26)));
    yield* Effect.forkScoped(stream.write(sent));
    same(yield* readAll(stream, size), sent);
    yield* stream.close;
  });

interface Served {
  readonly streams: Array<TlsStream>;
  readonly failures: Array<HandshakeFailed>;
}

/** What our server talks: HTTP to who speaks it, else it says back what it hears. */
const talk = (stream: TlsStream) =>
  Effect.gen(function* () {
    let heard = yield* stream.read;
    if (new TextDecoder().decode(heard.subarray(0, 4)) !== "GET ")
      while (true) {
        yield* stream.write(heard);
        heard = yield* stream.read;
      }
    while (!new TextDecoder().decode(heard).includes("\r\n\r\n")) heard = concat(heard, yield* stream.read);
    const [, path] = new TextDecoder().decode(heard).split(" ");
    yield* stream.write(utf8(`HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n${path}`));
    yield* stream.close;
  });

/** A server of ours that knows the user of its group. */
export const serve = Effect.fnUntraced(function* (options: Partial<TlsSrpServerOptions> = {}) {
  const { listen } = yield* Listener;
  const served: Served = { streams: [], failures: [] };
  const name = userIn(options.group ?? 2048);
  const settings: TlsSrpServerOptions = {
    lookUp: (asked) => Effect.succeed(asked === name ? { type: "password", password: PASSWORD } : undefined),
    seedKey: new Uint8Array(32).fill(7),
    ...options,
  };
  const handle = (below: ByteStreamShape) =>
    Effect.scoped(
      Effect.matchEffect(tlsSrpServer(below, settings), {
        onFailure: (failure) => Effect.sync(() => served.failures.push(failure)),
        onSuccess: (stream) =>
          Effect.suspend(() => {
            served.streams.push(stream);
            return Effect.ignore(talk(stream));
          }),
      }),
    );
  return { ...served, port: (yield* listen({ host: HOST, port: 0 }, handle)).port };
});

const LIBSSL = ["gcc", "/usr/include/openssl/srp.h"];

const toLibssl: Row = {
  name: "our client -> libssl",
  needs: LIBSSL,
  open: Effect.gen(function* () {
    const server = yield* eachOnce(({ bits, without }: Omit<Cell, "group">) => libsslServer(bits, without));
    const { port } = yield* server({ bits: 128, without: both });
    return {
      tries: (cell) =>
        Effect.gen(function* () {
          const { port, said } = yield* server({ bits: cell.bits, without: cell.without });
          const before = said.text.length;
          const stream = yield* connectFor(cell, port);
          same(stream.facts, factsOf(cell));
          yield* exchange(stream, 40_000);
          yield* until("our close_notify", () => said.text.slice(before).includes("ended in order"), said);
          const ems = cell.without.extendedMasterSecret ? 0 : 1;
          ok(said.text.slice(before).includes(`secured ${opensslSuite(cell.bits)} ems=${ems}`), said.text);
        }),
      fails: faultOf(port),
    };
  }),
  alerts: { "wrong password": "badRecordMac", "unknown user": "unknownPskIdentity" },
};

const toGnutls: Row = {
  name: "our client -> gnutls-serv",
  needs: ["gnutls-serv", "srptool"],
  open: Effect.gen(function* () {
    const users = yield* gnutlsUsers;
    const server = yield* eachOnce(({ bits, without }: Omit<Cell, "group">) => gnutlsServer(users, bits, without));
    const { port } = yield* server({ bits: 128, without: both });
    return {
      tries: (cell) =>
        Effect.gen(function* () {
          const { port } = yield* server({ bits: cell.bits, without: cell.without });
          const stream = yield* connectFor(cell, port);
          same(stream.facts, factsOf(cell));
          yield* exchange(stream, 6_400);
        }),
      fails: faultOf(port),
    };
  }),
  // GnuTLS simulates, as we do; but in the group of 1024 bits.
  alerts: { "wrong password": "badRecordMac", "unknown user": "badRecordMac" },
};

const hosts = KEY_BITS.flatMap((bits) => SWITCHES.map((without) => ({ bits, without })));
const toApache: Row = {
  name: "our client -> Apache",
  needs: [APACHE, `${APACHE_MODULES}/mod_ssl.so`, "openssl"],
  open: Effect.gen(function* () {
    const page = "a page of some length\n".repeat(2_000);
    const { ports } = yield* apacheServer(hosts, page);
    const portOf = (cell: Cell) =>
      ports[hosts.findIndex((host) => host.bits === cell.bits && host.without === cell.without)]!;
    return {
      tries: (cell) =>
        Effect.gen(function* () {
          const stream = yield* connectFor(cell, portOf(cell));
          same(stream.facts, factsOf(cell));
          yield* stream.write(utf8(`GET /page HTTP/1.0\r\nX-Long: ${"x".repeat(6_000)}\r\n\r\n`));
          let heard: Uint8Array = new Uint8Array();
          const hear = Effect.forever(
            Effect.map(stream.read, (bytes) => {
              heard = concat(heard, bytes);
            }),
          );
          same((yield* Effect.flip(hear)).why, "closed");
          const text = new TextDecoder().decode(heard);
          ok(text.startsWith("HTTP/1.1 200 OK\r\n") && text.endsWith(`\r\n\r\n${page}`), text.slice(0, 300));
        }),
      fails: faultOf(ports[0]!),
    };
  }),
  alerts: { "wrong password": "badRecordMac", "unknown user": "unknownPskIdentity" },
};

type Called = (call: Caller, served: Served) => Effect.Effect<void, unknown, World>;

/** A row of a client that others wrote: how it calls, and which alert it says to have heard. */
const fromPeer = (
  name: string,
  needs: ReadonlyArray<string>,
  calls: Called,
  hears: (call: Caller) => Effect.Effect<string, unknown, World>,
  alerts: Row["alerts"],
): Row => ({
  name,
  needs,
  open: Effect.gen(function* () {
    const server = yield* eachOnce((options: Partial<TlsSrpServerOptions>) => serve(options));
    return {
      tries: (cell) =>
        Effect.gen(function* () {
          const { group, bits, without } = cell;
          const served = yield* server({ group, legacy: isLegacy(cell) });
          const before = served.streams.length;
          yield* calls({ port: served.port, user: userIn(group), password: PASSWORD, bits, without }, served);
          same(
            served.streams.slice(before).map(({ facts }) => facts),
            [factsOf(cell)],
          );
        }),
      fails: (fault) =>
        Effect.gen(function* () {
          const isTold = fault === "unknown user, told";
          const { port } = yield* server(isTold ? { legacy: true, refusesUnknown: true } : {});
          const [user, password] = fault === "wrong password" ? [userIn(2048), "wrong"] : ["bob", PASSWORD];
          return yield* hears({ port, user, password, bits: 128, without: both });
        }),
    };
  }),
  alerts,
});

const fromLibssl = fromPeer(
  "libssl -> our server",
  LIBSSL,
  Effect.fnUntraced(function* (call) {
    const { code, said } = yield* libsslClient(call, 40_000);
    same(code, 0, said);
    const ems = call.without.extendedMasterSecret ? 0 : 1;
    for (const words of [`secured ${opensslSuite(call.bits)} ems=${ems}`, "same", "peer said close_notify"])
      ok(said.includes(words), said);
  }),
  (call) => Effect.map(libsslClient(call, 1), ({ said }) => said.trim()),
  { "wrong password": "alert read 20", "unknown user": "alert read 20", "unknown user, told": "alert read 115" },
);

const fromGnutls = fromPeer(
  "gnutls-cli -> our server",
  ["gnutls-cli"],
  Effect.fnUntraced(function* (call) {
    const { child, said } = yield* gnutlsClient(call);
    yield* until("a handshake", () => said.text.includes("Handshake was completed"), said);
    const line = "a line from afar ".repeat(60).trim();
    child.stdin.write(`${line}\n`);
    yield* until("our echo", () => said.text.includes(`${line}\n`), said);
    child.stdin.end();
    same(yield* ended(child), 0);
  }),
  (call) =>
    Effect.gen(function* () {
      const { child, said } = yield* gnutlsClient(call);
      same(yield* ended(child), 1);
      return /Received alert \[(\d+)\]/.exec(said.text)?.[1] ?? said.text;
    }),
  { "wrong password": "20", "unknown user": "20", "unknown user, told": "115" },
);

const fromCurl = fromPeer(
  "curl -> our server",
  ["curl"],
  Effect.fnUntraced(function* (call) {
    const path = `/${"long/".repeat(800)}`;
    const { code, said } = yield* curl(call, path);
    same([code, said], [0, path]);
  }),
  (call) =>
    Effect.map(curl(call, "/"), ({ code, said }) => {
      same(code, 35, said);
      return /alert ([a-z ]+)/.exec(said)?.[1] ?? said;
    }),
  {
    "wrong password": "bad record mac",
    "unknown user": "bad record mac",
    "unknown user, told": "unknown psk identity",
  },
);

export const rows: ReadonlyArray<Row> = [toLibssl, toGnutls, toApache, fromLibssl, fromGnutls, fromCurl];

export interface Tried {
  readonly row: string;
  /** Cells in the order given, each with what went wrong, or null. */
  readonly cells: ReadonlyArray<string | null>;
  readonly faults: { readonly [F in Fault]?: string };
  readonly wrong: ReadonlyArray<string>;
}

const nameOf = ({ group, bits, without }: Cell): string =>
  `${group} bits, AES-${bits}${without.encryptThenMac ? ", no EtM" : ""}${without.extendedMasterSecret ? ", no EMS" : ""}`;

/** Tries these cells and all faults of a row; never fails, but tells. */
export const tryRow = (row: Row, cells: ReadonlyArray<Cell>) =>
  Effect.gen(function* () {
    const { tries, fails } = yield* row.open;
    const wrong: Array<string> = [];
    const found: Array<string | null> = [];
    for (const cell of cells) {
      const why = yield* whyNot(tries(cell));
      if (why !== null) wrong.push(`${row.name}, ${nameOf(cell)}: ${why}`);
      found.push(why);
    }
    const faults: { [F in Fault]?: string } = {};
    for (const [fault, alert] of Object.entries(row.alerts) as ReadonlyArray<[Fault, string]>) {
      const why = yield* whyNot(Effect.map(fails(fault), (heard) => same(heard, alert)));
      if (why !== null) wrong.push(`${row.name}, ${fault}: ${why}`);
      faults[fault] = why === null ? alert : "?";
    }
    return { row: row.name, cells: found, faults, wrong } satisfies Tried;
  });

const CELL_TIMEOUT_MS = 15_000;

const whyNot = (body: Effect.Effect<unknown, unknown, World>) =>
  Effect.scoped(body).pipe(
    Effect.timeout(CELL_TIMEOUT_MS),
    Effect.matchCause({ onFailure: (cause) => String(cause).slice(0, 2_000), onSuccess: () => null }),
  );
