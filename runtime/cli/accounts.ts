/**
 * Who may enrol, by lines of a file (lines.ts):
 *
 *   alice scrypt 15 8 1 <salt, base64> <hash, base64>
 *
 * A line that is added while the authority runs is seen at the next enrolment.
 */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { Effect, Semaphore } from "effect";
import { outside } from "../outside.ts";
import type { Stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { followLines, type LineFile, readLines, removeLine } from "./lines.ts";
import { PASSWORD_LENGTH_MAX } from "./password.ts";

export const ACCOUNTS_FILE = "accounts";
/** N = 2^15 and r = 8: 32 MiB and some 60 ms for each guess. */
const COST_LOG = 15;
const BLOCK = 8;
const PARALLEL = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const COST_LOG_MAX = 19;
const MEMORY_BYTES_MAX = 2 * 128 * BLOCK * 2 ** COST_LOG_MAX;
/** Guesses under way: beyond, others wait. */
const CHECKS_AT_ONCE_MAX = 2;

interface Account {
  readonly costLog: number;
  readonly block: number;
  readonly parallel: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** A user's name as a certificate can show it. */
export const isAccountName = (name: string): boolean => /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,128}$/.test(name);

export const addAccount = (folder: Folder, name: string, password: string): Effect.Effect<void, Stopped> =>
  Effect.gen(function* () {
    const salt = randomBytes(SALT_BYTES);
    const account = { costLog: COST_LOG, block: BLOCK, parallel: PARALLEL, salt };
    const hash = yield* hashOf(password, account);
    const words = [name, "scrypt", COST_LOG, BLOCK, PARALLEL, salt.toString("base64"), hash.toString("base64")];
    yield* folder.append(ACCOUNTS_FILE, words.join(" "));
  });

export const removeAccount = (folder: Folder, name: string): Effect.Effect<void, Stopped> =>
  removeLine(folder, ACCOUNTS, name);

export const readAccounts = (folder: Folder): Effect.Effect<ReadonlyMap<string, Account>, Stopped> =>
  Effect.map(readLines(folder, ACCOUNTS), ({ now }) => now);

const ACCOUNTS: LineFile<Account> = {
  file: ACCOUNTS_FILE,
  what: "account",
  read: ([scheme, costLog, block, parallel, salt, hash]) => {
    const account = {
      costLog: Number(costLog),
      block: Number(block),
      parallel: Number(parallel),
      salt: Buffer.from(salt ?? "", "base64"),
      hash: Buffer.from(hash ?? "", "base64"),
    };
    return scheme === "scrypt" && isSound(account) ? account : undefined;
  },
};

const isSound = ({ costLog, block, parallel, salt, hash }: Account): boolean =>
  Number.isInteger(costLog) &&
  costLog >= 1 &&
  costLog <= COST_LOG_MAX &&
  block === BLOCK &&
  parallel === PARALLEL &&
  salt.length === SALT_BYTES &&
  hash.length === HASH_BYTES;

/**
 * Whether the password is that user's. An unknown user costs what a known one costs. The file is looked at each time;
 * one that cannot be read lets nobody in.
 */
export const openAccounts = Effect.fn("authority.accounts")(function* (folder: Folder) {
  const accounts = yield* followLines(folder, ACCOUNTS);
  const gate = yield* Semaphore.make(CHECKS_AT_ONCE_MAX);
  const nobody: Account = {
    costLog: COST_LOG,
    block: BLOCK,
    parallel: PARALLEL,
    salt: randomBytes(SALT_BYTES),
    hash: randomBytes(HASH_BYTES),
  };
  const isRight = Effect.fn("authority.isRight")(function* (user: string, password: string) {
    const account = (yield* accounts).get(user);
    if (password.length > PASSWORD_LENGTH_MAX) return false;
    const { hash } = account ?? nobody;
    const given = yield* gate.withPermits(1)(hashOf(password, account ?? nobody));
    return timingSafeEqual(given, hash) && account !== undefined;
  });
  return { isRight, count: Effect.map(accounts, ({ size }) => size) };
});

const hashOf = (password: string, { costLog, block, parallel, salt }: Omit<Account, "hash">): Effect.Effect<Buffer> =>
  outside(
    () =>
      new Promise<Buffer>((resolve, reject) =>
        scrypt(
          password.normalize("NFC"),
          salt,
          HASH_BYTES,
          { N: 2 ** costLog, r: block, p: parallel, maxmem: MEMORY_BYTES_MAX },
          (error, key) => (error ? reject(error) : resolve(key)), // Bun says undefined where others say null
        ),
      ),
  );
