/** A program's directory as `vipr doctor` sees it: rights, room, and its store where no program has it open. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { Effect } from "effect";
import { freeBytes } from "../metrics/process.ts";
import { openSqlite } from "../store/sqlite.ts";
import { type Finding, fault, good, unknown, warning } from "./doctor-finding.ts";
import { exitCode, storeStopped } from "./exit.ts";
import { AGENT_STORE, STORE_FILE } from "./folder.ts";
import type { ProgramState } from "./program-state.ts";

const OTHERS = 0o077;
const ROOM_WARN_BYTES = 500_000_000;
const ROOM_FAULT_BYTES = 50_000_000;
const STORES = { server: STORE_FILE, agent: AGENT_STORE, border: undefined } as const;

export const folderFindings = (state: ProgramState): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const { program, data } = state;
    const check = `${program} directory`;
    if (!existsSync(data)) return [unknown(check, `${data} is not there yet: the first start makes it`)];
    return [rightsOf(check, data), roomOf(`${program} disk`, data), ...(yield* storeFindings(state))];
  });

const rightsOf = (check: string, data: string): Finding => {
  if ((statSync(data).mode & OTHERS) !== 0)
    return fault(check, "notWritable", `${data}: others may look into it`, `chmod 700 ${data}`);
  try {
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK);
    return good(check, `${data} is ours alone`);
  } catch (error) {
    const why = (error as { code?: string }).code ?? String(error);
    return fault(check, "notWritable", `${data} cannot be written: ${why}`, "its owner, or a disk that is read-only");
  }
};

const roomOf = (check: string, data: string): Finding => {
  const bytes = freeBytes(data);
  const what = `${Math.round(bytes / 1e6)} MB are free`;
  if (bytes < ROOM_FAULT_BYTES) return fault(check, "diskFull", what, "make room: writes are refused soon");
  return bytes < ROOM_WARN_BYTES ? warning(check, what, "make room") : good(check, what);
};

/** Opened only where nobody answers: a store has one owner. */
const storeFindings = ({ program, data, ready }: ProgramState): Effect.Effect<ReadonlyArray<Finding>> => {
  const name = STORES[program];
  const check = `${program} store`;
  if (name === undefined) return Effect.succeed([]);
  if (ready !== undefined) return Effect.succeed([good(check, "the program has it open")]);
  const file = `${data}/${name}`;
  if (!existsSync(file)) return Effect.succeed([unknown(check, `${file} is not there yet`)]);
  return Effect.scoped(openSqlite({ file })).pipe(
    Effect.as(good(check, `${name} can be opened`)),
    Effect.catch(({ reason, why }) => {
      const { code, why: sentence } = storeStopped(file, reason, why);
      const todo =
        code === exitCode.inUse
          ? `a program runs without an admin port, by ${program}.admin = "none": only its log says how it is`
          : "put the copy of a good day in its place (docs/deploy/upgrade.md)";
      return Effect.succeed({ ...fault(check, "damaged", sentence, todo), code });
    }),
    Effect.map((finding) => [finding]),
  );
};
