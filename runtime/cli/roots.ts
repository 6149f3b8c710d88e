/**
 * A new root for an overlay that runs, in three steps, each followed by a start of the authority and by the time that every node
 * needs to have the document (an hour), or its next certificate:
 *
 *   new-root         authority-next.pem is made; its root is in the document beside the old one
 *   use-new-root     authority-next.pem signs from now on; the old root stays in the document, as authority-old.pem
 *   drop-old-root    authority-old.pem is no root any more: nodes whose certificate is from it are out
 *
 * DECISIONS.md D-225.
 */
import { renameSync } from "node:fs";
import { Effect } from "effect";
import type { OwnAuthority } from "../authority.ts";
import { fileStopped, type Stopped, stopped } from "./exit.ts";
import { AUTHORITY_FILE, type Folder } from "./folder.ts";
import { tell } from "./output.ts";
import { openAuthority } from "./own-authority.ts";
import { fingerprintText } from "./trust.ts";

const NEXT = "authority-next.pem";
const OLD = "authority-old.pem";

export const ROOT_ORDERS = ["new-root", "use-new-root", "drop-old-root"] as const;
export type RootOrder = (typeof ROOT_ORDERS)[number];

/** The roots of the document: that of the authority first, then the next and the old one where there are such. */
export const overlayRoots = Effect.fnUntraced(function* (
  folder: Folder,
  own: OwnAuthority,
): Effect.fn.Return<ReadonlyArray<Uint8Array>, Stopped> {
  const roots = [own.root];
  for (const file of [NEXT, OLD])
    if ((yield* folder.read(file)) !== undefined) roots.push((yield* openAuthority(folder, file, "")).root);
  return roots;
});

export const rootOrder =
  (order: RootOrder, json = false) =>
  (folder: Folder): Effect.Effect<void, Stopped> =>
    Effect.gen(function* () {
      if ((yield* folder.read(AUTHORITY_FILE)) === undefined)
        return yield* stopped("usage", `${folder.path} holds no overlay yet`);
      const has = (file: string) => Effect.map(folder.read(file), (text) => text !== undefined);
      if (order === "new-root") {
        if (yield* has(NEXT)) return yield* stopped("refused", `there is a new root already: ${folder.at(NEXT)}`);
        if (yield* has(OLD)) return yield* stopped("refused", "the old root is still there: drop-old-root first");
        const { root } = yield* openAuthority(folder, NEXT, "overlay root");
        const fingerprint = fingerprintText(root);
        const text = `new root ${fingerprint}: restart the authority, wait an hour, then use-new-root`;
        return tell(json, text, { order, fingerprint });
      }
      if (order === "use-new-root") {
        if (!(yield* has(NEXT))) return yield* stopped("refused", "there is no new root: new-root makes one");
        // Copied first: a crash in between must not leave a directory without a root, for which another would be made.
        yield* folder.write(OLD, (yield* folder.read(AUTHORITY_FILE))!);
        yield* moved(folder, NEXT, AUTHORITY_FILE);
        const text =
          "the new root signs: restart the authority; drop-old-root when every certificate of the old one has ended";
        return tell(json, text, { order });
      }
      if (!(yield* has(OLD))) return yield* stopped("refused", "there is no old root");
      yield* moved(folder, OLD, `${OLD}.dropped`);
      return tell(json, "the old root is out of the document: restart the authority", { order });
    });

const moved = (folder: Folder, from: string, to: string): Effect.Effect<void, Stopped> =>
  Effect.try({ try: () => renameSync(folder.at(from), folder.at(to)), catch: (cause) => fileStopped(from, cause) });
