/** Accounts: who may enrol, as one file of added lines tells it, whatever was added and wherever a crash tore it. */
import { ok, deepStrictEqual as same } from "node:assert";
import { appendFileSync, readFileSync, statSync } from "node:fs";
import { Effect, Logger } from "effect";
import fc from "fast-check";
import { ACCOUNTS_FILE, addAccount, openAccounts, readAccounts, removeAccount } from "../../runtime/cli/accounts.ts";
import { openFolder } from "../../runtime/cli/folder.ts";
import { test } from "../kit/harness.ts";
import { withFolder } from "./processes.ts";

const run = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(Effect.provide(effect, Logger.layer([])));
const RUNS = 20; // each writes files

test("the last line of a name counts; half a line at the end is no line, and spoils none after it", async () => {
  const base64 = (size: number) =>
    fc.uint8Array({ minLength: size, maxLength: size }).map((b) => Buffer.from(b).toString("base64"));
  const step = fc.record({
    name: fc.constantFrom("alice", "bob", "carol@example.com"),
    type: fc.constantFrom("add", "remove", "tear"),
    salt: base64(16),
    hash: base64(32),
    cut: fc.integer({ min: 1, max: 60 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), (steps) =>
      withFolder(async (path) => {
        const folder = await run(openFolder(`${path}/a`));
        const model = new Map<string, string>();
        for (const { name, type, salt, hash, cut } of steps) {
          const line = `${name} scrypt 15 8 1 ${salt} ${hash}`;
          if (type === "tear") {
            appendFileSync(folder.at(ACCOUNTS_FILE), line.slice(0, cut));
            same(new Set((await run(readAccounts(folder))).keys()), new Set(model.keys()));
            continue;
          }
          await run(type === "add" ? folder.append(ACCOUNTS_FILE, line) : removeAccount(folder, name));
          if (type === "add") model.set(name, hash);
          else model.delete(name);
        }
        const accounts = await run(readAccounts(folder));
        same(new Map([...accounts].map(([name, account]) => [name, account.hash.toString("base64")])), model);
      }),
    ),
    { numRuns: RUNS },
  );
});

test("a password is right for its user alone; a change is seen at the next look, a damaged file lets nobody in", async () => {
  await withFolder(async (path) => {
    const folder = await run(openFolder(`${path}/a`));
    await run(addAccount(folder, "alice", "correct horse battery"));
    const { isRight, count } = await run(openAccounts(folder));
    same(await run(isRight("alice", "correct horse battery")), true);
    for (const [user, word] of [
      ["alice", "Correct horse battery"],
      ["alice", ""],
      ["bob", "correct horse battery"],
      ["", ""],
    ])
      same(await run(isRight(user!, word!)), false);
    same(await run(isRight("alice", "x".repeat(100_000))), false);
    // The same letters, composed or not, are the same password.
    await run(addAccount(folder, "bob", "caf\u00e9 au lait"));
    same([await run(isRight("bob", "cafe\u0301 au lait")), await run(count)], [true, 2]);
    await run(addAccount(folder, "alice", "another password"));
    same(await run(isRight("alice", "correct horse battery")), false);
    same(await run(isRight("alice", "another password")), true);
    await run(removeAccount(folder, "alice"));
    same(await run(isRight("alice", "another password")), false);
    const file = folder.at(ACCOUNTS_FILE);
    ok(!/password|battery|lait/.test(readFileSync(file, "utf8")));
    same(statSync(file).mode & 0o777, 0o600);
    appendFileSync(file, "rubbish\n");
    same(await run(isRight("bob", "caf\u00e9 au lait")), false);
  });
});
