/**
 * `vipr explain`: the story of a number, from the facts that a ViPR server keeps of it.
 *
 *   DIR/admin.json --> a server answers ------------------------> its story
 *         |                                                  +--> the store's story, and that no server runs
 *         +-- none, or nobody there --> DIR/values.sqlite ---+
 *                                                            +--> somebody has it open: exit code 6
 */
import { existsSync } from "node:fs";
import { Clock, Effect, type Scope } from "effect";
import type { StoredCompany } from "../../actors/vipr/mod.ts";
import { type E164, normalizeE164 } from "../../codecs/shared/mod.ts";
import { isTenantName } from "../../codecs/vipr/mod.ts";
import type { AuditReport } from "../../machines/vipr/mod.ts";
import { askAdmin } from "../admin-client.ts";
import { explainTable } from "../command/tables/look.ts";
import { readDoor } from "./door.ts";
import { exitCode, type Stopped, stopped, storeStopped } from "./exit.ts";
import { reportText } from "./explain-text.ts";
import { type Folder, knownFolder, STORE_FILE } from "./folder.ts";
import { command, required, Wrong } from "./options.ts";
import { say } from "./output.ts";
import { runCommand } from "./run.ts";
import { readTenants } from "./tenants.ts";

const NOTHING = 1;

export const explainCommand = async (args: ReadonlyArray<string>): Promise<number> => {
  let isKnown = true;
  const code = await command(explainTable, args, async ({ data, tenant, json }, [text]) => {
    const number = normalizeE164(text!);
    if (number === undefined) throw new Wrong(`"${text}" is no telephone number, as +14085555432`);
    const directory = required(data, "data", "the directory of a ViPR server");
    if (tenant !== undefined && !isTenantName(tenant)) throw new Wrong(`"${tenant}" is no name of a tenant`);
    const told = Effect.map(storyAt(directory, number, tenant), ({ story, source, nowMs }) => {
      isKnown = story !== null;
      if (json) return say(JSON.stringify({ number, source, story }));
      const text = story === null ? `${number}\n\n  Nothing is known of it here.` : reportText(story, nowMs);
      say(source === "server" ? text : `No server runs in ${directory}: this is what its store tells.\n\n${text}`);
    });
    return await runCommand({ name: "vipr explain", logLevel: "Warn" }, told);
  });
  return code === 0 && !isKnown ? NOTHING : code;
};

interface Told {
  readonly story: AuditReport | null;
  readonly source: "server" | "store";
  readonly nowMs: number;
}

const storyAt = Effect.fnUntraced(function* (
  directory: string,
  number: E164,
  tenant: string | undefined,
): Effect.fn.Return<Told, Stopped, Scope.Scope> {
  const folder = yield* knownFolder(directory);
  const { shares, agents } = yield* readTenants(folder);
  if (tenant !== undefined && !shares.has(tenant)) return yield* stopped("refused", `there is no tenant ${tenant}`);
  const asked = yield* askServer(folder, number, tenant);
  const nowMs = yield* Clock.currentTimeMillis;
  if (asked.type === "told") return { story: asked.story, source: "server", nowMs };
  if (!existsSync(folder.at(STORE_FILE)))
    return yield* stopped("unreachable", `${asked.why}; and there is no ${STORE_FILE} of a server`);
  const isUser = (username: string) => (agents.get(username) ?? "") === (tenant ?? "");
  const company = shares.size === 0 ? undefined : { tenant: tenant ?? "", isUser };
  return { story: yield* readStore(folder, number, nowMs, company), source: "store", nowMs };
});

type Asked =
  | { readonly type: "told"; readonly story: AuditReport | null }
  | { readonly type: "away"; readonly why: string };

/** A kill leaves admin.json behind, and its port may be another program's by now: who does not show our token is nobody. */
const askServer = Effect.fnUntraced(function* (
  folder: Folder,
  number: E164,
  tenant: string | undefined,
): Effect.fn.Return<Asked, Stopped> {
  const away = (why: string): Asked => ({ type: "away", why });
  const door = yield* Effect.catch(readDoor(folder), (end) =>
    end.code === exitCode.unreachable ? Effect.succeed(end.why) : Effect.fail(end),
  );
  if (typeof door === "string") return away(door);
  const answer = yield* Effect.catch(
    askAdmin(door, {
      path: "/explain",
      token: door.token,
      body: { number, ...(tenant === undefined ? {} : { tenant }) },
    }),
    (end) => Effect.succeed(end.why),
  );
  if (typeof answer === "string") return away(`no server answers at ${answer}`);
  const { status, body, isSealed } = answer;
  if (!isSealed) return away(`whoever answers at ${door.host}:${door.port} is not the server of ${folder.path}`);
  const { error = `the server answered ${status}`, story = null } = body as {
    readonly error?: string;
    readonly story?: AuditReport | null;
  };
  if (status !== 200) return yield* stopped("unreachable", error);
  return { type: "told", story };
});

/** Without a server; what reads a store is loaded only here. */
const readStore = Effect.fnUntraced(function* (
  folder: Folder,
  number: E164,
  nowMs: number,
  company: StoredCompany | undefined,
): Effect.fn.Return<AuditReport | null, Stopped, Scope.Scope> {
  const [{ readSqlite }, { storedReport }] = yield* Effect.promise(() =>
    Promise.all([import("../store/reads.ts"), import("../../actors/vipr/stored-audit-log.ts")]),
  );
  const told = Effect.flatMap(readSqlite(folder.at(STORE_FILE)), (store) =>
    storedReport(store, number, nowMs, company),
  );
  const story = yield* Effect.mapError(told, ({ reason, why }) =>
    reason === "locked"
      ? stopped("inUse", `${folder.path}: a server has its store open, and no admin port to be asked at (--admin none)`)
      : storeStopped(folder.path, reason, why),
  );
  return story ?? null;
});
