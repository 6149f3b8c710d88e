/** `npm run crash` in short: two rounds with each store; and that its checks see what is lost and what is doubled. */
import { deepStrictEqual as same } from "node:assert";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import { unixMs } from "../../codecs/shared/mod.ts";
import { encodeRecord, recordKey } from "../../codecs/validation/mod.ts";
import { openPostgres } from "../../runtime/store/postgres.ts";
import { type PostgresAddress, postgresAddress } from "../../runtime/store/postgres-url.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { isWhole, longTest, test, testEffect } from "../kit/harness.ts";
import { canMount } from "../kit/mounts.ts";
import { startPostgres } from "../kit/postgres.ts";
import { recordOf } from "./calls.ts";
import { inPostgres, inSqlite } from "./check.ts";
import { toldTwice } from "./tickets.ts";

/** Debian's package; on another machine that test is left out. */
const FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

const RUN = new URL("./run.ts", import.meta.url).pathname;
const TROUBLE = new URL("./trouble.ts", import.meta.url).pathname;

const crash = (...args: ReadonlyArray<string>) => ended(RUN, ...args);
const ended = (program: string, ...args: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number | null; readonly last: string }>((resolve) => {
    const own = "Deno" in globalThis ? ["run", "-A"] : [];
    const child = spawn(process.execPath, [...own, program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.on("close", (code) => resolve({ code, last: out.trimEnd().split("\n").at(-1)! }));
  });

const ROUNDS = isWhole ? 2 : 1;
for (const store of isWhole ? ["sqlite", "postgres"] : ["sqlite"])
  test(`crash: rounds with ${store} lose and double nothing`, async () => {
    const { code, last } = await crash("--rounds", `${ROUNDS}`, "--seed", "5", "--store", store);
    const { rounds, lost, duplicated, tickets, acknowledged } = JSON.parse(last);
    same([code, rounds, lost, duplicated, tickets, acknowledged > 0], [0, ROUNDS, 0, 0, 0, true], last);
  });

test("crash: several machines want a store that they can share", async () => {
  same((await crash("--machines", "3")).code, 2);
});

/** What an agent is told meanwhile: why, and nothing of where. */
const TROUBLES = [
  { trouble: "clock", refusals: [], can: existsSync(FAKETIME) },
  { trouble: "postgres-away", refusals: ["481 error 481: the server's store is away"], can: true },
  { trouble: "wal-full", refusals: ["481 error 481: the server's store is away"], can: canMount },
  { trouble: "disk-full", refusals: ["481 error 481: the server's disk is full"], can: canMount },
];
longTest(
  "crash: a server of three is cut off from PostgreSQL: nothing is lost or doubled, and nobody is asked about a call twice",
  async () => {
    const { code, last } = await crash("--rounds", "1", "--seed", "5", "--store", "postgres", "--machines", "3");
    const { rounds, lost, duplicated, askedTwice, acknowledged, asked } = JSON.parse(last);
    same([code, rounds, lost, duplicated, askedTwice, acknowledged > 0, asked > 0], [0, 1, 0, 0, 0, true, true], last);
  },
);
for (const { trouble, refusals, can } of TROUBLES)
  if (can)
    longTest(`trouble: ${trouble} costs nothing that was acknowledged, and is over by itself`, async () => {
      const { code, last } = await ended(TROUBLE, trouble, "--seconds", "4");
      const { lost, duplicated, refused } = JSON.parse(last);
      same([code, lost, duplicated, Object.keys(refused)], [0, 0, 0, refusals], last);
    });

test("crash: a second ticket is seen, and a new epoch, another number or a ticket near its end is none", () => {
  const [number, text, lifeMs] = ["+49301", "", 4_000];
  const told = (fromMs: number, epoch = 1, of = number) => ({
    number: of,
    text,
    epoch,
    fromMs,
    endMs: fromMs + lifeMs,
  });
  const faultsOf = (...others: ReadonlyArray<ReturnType<typeof told>>) => toldTwice([told(0), ...others]).length;
  same([faultsOf(told(999)), faultsOf(told(500), told(600))], [1, 3]);
  same([faultsOf(told(1_000)), faultsOf(told(1, 2)), faultsOf(told(1, 1, "+49302"))], [0, 0, 0]);
});

/** Calls 1 to 3, the third twice. */
const changes = [1, 2, 3, 3].map((n, i) => {
  const vcr = recordOf("a", n);
  return {
    type: "put",
    table: "vcrSent",
    key: recordKey(vcr, unixMs(i)),
    value: encodeRecord({ vcr }),
    dueMs: i,
  } as const;
});
const EXPECTED = new Map([
  [1, 1],
  [2, 1],
  [3, 2],
]);

testEffect(
  "crash: the look into a store from outside finds each call as often as it is there",
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-crash-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
    );
    const file = join(folder, "values.sqlite");
    yield* Effect.flatMap(openSqlite({ file }), (store) => store.write(changes));
    same(inSqlite(file), EXPECTED);
    const pg = yield* startPostgres();
    const address = postgresAddress(`${pg.url}&schema=one`) as PostgresAddress;
    yield* Effect.flatMap(openPostgres({ address }), (store) => store.write(changes));
    same(inPostgres(pg, "one"), EXPECTED);
  }).pipe(Effect.scoped),
);
