/**
 * The keys that a border element seals its dialogs' state with, so that calls which are up go on after a restart: lines of a
 * file in its directory, the newest last, made at the first start.
 *
 *   1 <key, hexadecimal>
 */
import { randomBytes } from "node:crypto";
import { Effect } from "effect";
import type { TokenSecret } from "../../actors/border/mod.ts";
import { bytesOfHex, hexOf } from "../../codecs/shared/mod.ts";
import { TOKEN_KEY_BYTES } from "../../machines/border/mod.ts";
import { type Stopped, stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";

export const TOKEN_KEYS = "token-keys";
const LINE = new RegExp(`^(\\d{1,3}) ([0-9a-f]{${2 * TOKEN_KEY_BYTES}})$`);

export const openTokenKeys = Effect.fn("border.tokenKeys")(function* (
  folder: Folder,
): Effect.fn.Return<ReadonlyArray<TokenSecret>, Stopped> {
  const text = yield* folder.read(TOKEN_KEYS);
  if (text !== undefined) return yield* keysIn(text, folder);
  const made: TokenSecret = { id: 1, bytes: randomBytes(TOKEN_KEY_BYTES) };
  yield* folder.write(TOKEN_KEYS, `${made.id} ${hexOf(made.bytes)}\n`);
  return [made];
});

const keysIn = Effect.fnUntraced(function* (text: string, folder: Folder) {
  const found: Array<TokenSecret> = [];
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const [, id = "", key = ""] = LINE.exec(line) ?? [];
    if (key === "" || Number(id) > 255)
      return yield* stopped(
        "damaged",
        `${folder.at(TOKEN_KEYS)} is damaged: remove it, and calls that are up cannot go on`,
      );
    found.push({ id: Number(id), bytes: bytesOfHex(key) });
  }
  if (found.length === 0) return yield* stopped("damaged", `${folder.at(TOKEN_KEYS)} is empty: remove it`);
  return found;
});
