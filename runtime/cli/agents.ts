/**
 * The call agents that may speak VAP, by lines of a file (lines.ts):
 *
 *   pbx vap <key, hexadecimal>
 *
 * VAP seals each message with MD5(user ":ViPR:" password), draft-jennings-vipr-vap-02 §9.2, so that this key is all a server
 * needs: the password itself is kept nowhere. Whoever has the key can speak as that agent, and can try passwords on it fast.
 */
import { Effect, type Scope } from "effect";
import { bytesOfHex, hexOf } from "../../codecs/shared/mod.ts";
import { vapKey } from "../../codecs/vap/mod.ts";
import type { Stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { followLines, type LineFile, lookAgain, readLines, removeLine } from "./lines.ts";

const SCHEME = "vap";
const KEY = /^[0-9a-f]{32}$/;

const AGENTS: LineFile<Uint8Array> = {
  file: "agents",
  what: "agent",
  isKept: true,
  read: ([scheme, key = ""]) => (scheme === SCHEME && KEY.test(key) ? bytesOfHex(key) : undefined),
};

export const addAgent = (folder: Folder, name: string, password: string): Effect.Effect<void, Stopped> =>
  folder.append(AGENTS.file, `${name} ${SCHEME} ${hexOf(vapKey(name, password))}`);

export const removeAgent = (folder: Folder, name: string): Effect.Effect<void, Stopped> =>
  removeLine(folder, AGENTS, name);

export const readAgents = (folder: Folder): Effect.Effect<ReadonlyMap<string, Uint8Array>, Stopped> =>
  Effect.map(readLines(folder, AGENTS), ({ now }) => now);

export interface Agents {
  readonly keyOf: (name: string) => Uint8Array | undefined;
  readonly count: number;
}

/** Looked at each second until the scope closes: who is added or removed is so a second later. */
export const openAgents = Effect.fn("server.agents")(function* (
  folder: Folder,
): Effect.fn.Return<Agents, Stopped, Scope.Scope> {
  const look = yield* followLines(folder, AGENTS);
  let agents = yield* look;
  const again = Effect.map(look, (now) => {
    agents = now;
  });
  yield* lookAgain(again);
  return { keyOf: (name) => agents.get(name), count: agents.size };
});
