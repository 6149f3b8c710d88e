/** The only file that names a test runner: Node's, which Deno and Bun run as well. DECISIONS.md D-009. */
import { existsSync } from "node:fs";
import { test as nodeTest } from "node:test";
import { Effect } from "effect";
import fc from "fast-check";
import { timed } from "./times.ts";

export const test = (name: string, body: () => void | Promise<void>): void => {
  const run = timed(name, body);
  nodeTest(name, async () => {
    await run();
  });
};

/**
 * Whether what lasts long is played whole: on Node; on Deno and Bun one of each kind is, since the same machines are played on virtual
 * time there, unless VIPR_WHOLE is set.
 */
export const isWhole: boolean = process.env.VIPR_WHOLE !== undefined || !("Deno" in globalThis || "Bun" in globalThis);

/** One of several of a kind that last long. */
export const longTest: typeof test = (name, body) => {
  if (isWhole) test(name, body);
};

/** A test whose body is an Effect. */
export const testEffect = <E>(name: string, body: Effect.Effect<unknown, E>): void =>
  test(name, async () => {
    await Effect.runPromise(body);
  });

/** Runs of each property: VIPR_RUNS, else 100. */
export const runs: number = Number(process.env.VIPR_RUNS ?? 100);

/** VIPR_SEED replays every property of a run with that seed; a failure prints its own seed and path as well. */
if (process.env.VIPR_SEED !== undefined) fc.configureGlobal({ seed: Number(process.env.VIPR_SEED) });

/** A test that needs a program of others: skipped, with its name, where that is not installed. `.ci/setup` installs all. */
export const testWith = (needs: string, name: string, body: () => Promise<void>): void => {
  const folders = (process.env.PATH ?? "").split(":").concat("/usr/sbin");
  const run = timed(name, body);
  const isThere = folders.some((folder) => existsSync(`${folder}/${needs}`));
  nodeTest(name, isThere ? {} : { skip: `${needs} is not installed` }, async () => {
    await run();
  });
};
