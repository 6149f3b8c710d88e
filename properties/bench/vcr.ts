/**
 * What a call record costs at rest, and how long it takes to keep one and to find it by each method, on a table that holds
 * so many already, beside a table of SQLite in memory. Look-ups draw records at random, so that the figures hold what the
 * processor's caches miss. `VIPR_VCRS` names the sizes.
 */
import process from "node:process";
import { e164, nodeIdFrom, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import type { PvpUserName } from "../../codecs/validation/mod.ts";
import {
  type CallStore,
  callFacts,
  callStore,
  candidatesFor,
  dueQueue,
  insertCall,
  ROUND_MS,
  schedule,
  takeDue,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { type Contest, heapBytesOf, PeerMissing, rateOf } from "./kit.ts";

const NODE = nodeIdFrom(5n);
const NAMES = 2_000;
/** Room above the size for those that the rounds keep. */
const SPARE = 2_000_000;
const AT_REST = 100_000;
const sizes = (process.env.VIPR_VCRS ?? "10000 100000").split(" ").map(Number);

const START_MS = 1_767_225_600_000;
/** A day's calls to ten thousand numbers: as many callers as calls. Each record is made anew, as one that arrives is. */
const vcr = (n: number): Vcr => {
  const startMs = START_MS + ((n * 7919) % 86_400) * 1000 + ((n * 40_503) % 1000);
  return {
    direction: "received",
    calling: e164(`+33${100_000_000 + n}`),
    called: e164(`+1408${1_000_000 + ((n * 48_271) % 10_000)}`),
    startMs: unixMs(startMs),
    stopMs: unixMs(startMs + (20 + (n % 300)) * 1000),
    vservice: vserviceId(7n),
  };
};
const nameFor = (n: number, method: "A" | "B" | "C"): PvpUserName => {
  const call = callFacts(vcr(n));
  const claim = { originator: nodeIdFrom(1n), terminator: NODE, vservice: vserviceId(7n) };
  return userNameFor(method, call, claim, unixMs((Math.ceil(call.startMs / 1000) + 5) * 1000), ROUND_MS);
};

const filled = (size: number): CallStore => {
  const store = callStore([NODE], { callsMax: size + SPARE });
  for (let i = 0; i < size; i++) insertCall(store, vcr(i), unixMs(0));
  return store;
};

/** SQLite's table of the same records in memory, with the index that a look-up by called number and start needs. */
const tableOf = async (size: number) => {
  const { DatabaseSync } = await import("node:sqlite").catch(() => {
    throw new PeerMissing("this runtime has no node:sqlite");
  });
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE calls (called TEXT, startMs INTEGER, calling TEXT, stop INTEGER, vservice INTEGER)");
  db.exec("CREATE INDEX found ON calls (called, startMs); CREATE INDEX due ON calls (startMs)");
  const insert = db.prepare("INSERT INTO calls VALUES (?, ?, ?, ?, ?)");
  const keep = (n: number) => {
    const { called, calling, startMs } = vcr(n);
    insert.run(called!, Math.floor(startMs / 1000), calling ?? null, 20 + (n % 300), 7);
  };
  db.exec("BEGIN");
  for (let i = 0; i < size; i++) keep(i);
  db.exec("COMMIT");
  return { db, keep };
};
type Table = Awaited<ReturnType<typeof tableOf>>;
const sqlite = "SQLite in memory";

/** Each look-up of the round draws another record. */
const looking = (size: number, method: "A" | "B" | "C", store: CallStore, { db }: Table): Contest => {
  const picks = Array.from({ length: NAMES }, (_, i) => (i * 7_368_787) % size);
  const names = picks.map((n) => nameFor(n, method));
  const wanted = picks.map((n) => [vcr(n).called, Math.floor(vcr(n).startMs / 1000)] as const);
  const select = db.prepare("SELECT * FROM calls WHERE called = ? AND startMs BETWEEN ? AND ?");
  let [next, there] = [0, 0];
  return {
    name: `vcr: found by ${method} among ${size.toLocaleString("en")}`,
    unit: "1/s",
    peerName: sqlite,
    ours: () =>
      rateOf(() => {
        if (candidatesFor(store, names[next++ % NAMES]!).length === 0) throw new Error(`${method} found nothing`);
      }),
    peer: () =>
      rateOf(() => {
        const [called, start] = wanted[there++ % NAMES]!;
        if (select.all(called, start - 5, start + 5).length === 0) throw new Error("SQLite found nothing");
      }),
  };
};

const keeping = (size: number, store: CallStore, table: Table): Contest => {
  let [next, more] = [size, size];
  return {
    name: `vcr: kept beside ${size.toLocaleString("en")}`,
    unit: "1/s",
    peerName: sqlite,
    ours: () => rateOf(() => insertCall(store, vcr(next++), unixMs(0))),
    peer: () => rateOf(() => table.keep(more++)),
  };
};

const waiting = (size: number, { db, keep }: Table): Contest => {
  const dueOf = (n: number) => 1_767_225_600_000 + ((n * 48_271) % 86_400_000);
  const queue = dueQueue<number>(size + 1);
  for (let i = 0; i < size; i++) schedule(queue, i, dueOf(i));
  const take = db.prepare("DELETE FROM calls WHERE rowid = (SELECT rowid FROM calls ORDER BY startMs LIMIT 1)");
  let [next, more] = [size, size];
  return {
    name: `vcr: put and taken when due, ${size.toLocaleString("en")} waiting`,
    unit: "1/s",
    peerName: sqlite,
    ours: () =>
      rateOf(() => {
        schedule(queue, next, dueOf(next++));
        takeDue(queue, Number.MAX_SAFE_INTEGER, 1);
      }),
    peer: () =>
      rateOf(() => {
        keep(more++);
        take.run();
      }),
  };
};

const atRest: Contest = {
  name: `vcr: a record at rest among ${AT_REST.toLocaleString("en")}`,
  unit: "B",
  peerName: sqlite,
  lowerIsBetter: true,
  rounds: 3,
  ours: () => heapBytesOf(() => filled(AT_REST)).then((bytes) => bytes / AT_REST),
  peer: async () => {
    const { db } = await tableOf(AT_REST);
    const read = (pragma: string) => Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get()!)[0]);
    const bytes = read("page_count") * read("page_size");
    db.close();
    return bytes / AT_REST;
  },
};

/** Where there is no SQLite, each contest that names it says so. */
const withoutPeer = (contest: Contest, why: PeerMissing): Contest => ({
  ...contest,
  peer: () => {
    throw why;
  },
});

const contestsAt = async (size: number): Promise<ReadonlyArray<Contest>> => {
  const store = filled(size);
  const table = await tableOf(size).catch((error) => error as PeerMissing);
  const has = table instanceof PeerMissing ? ({ db: { prepare: () => undefined } } as unknown as Table) : table;
  const found = (["A", "B", "C"] as const).map((method) => looking(size, method, store, has));
  const all = [...found, waiting(size, has), keeping(size, filled(size), has)];
  return table instanceof PeerMissing ? all.map((contest) => withoutPeer(contest, table)) : all;
};

export const contests = async (): Promise<ReadonlyArray<Contest>> => [
  atRest,
  ...(await Promise.all(sizes.map(contestsAt))).flat(),
];
