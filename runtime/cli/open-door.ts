/** A node's own port, and the file beside it that tells where it is: both are gone when the scope closes. */
import { Effect } from "effect";
import type { AdminAnswer, AdminRequest } from "../../actors/admin/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { serveAdmin } from "../admin.ts";
import { removeDoor, writeDoor } from "./door.ts";
import type { Folder } from "./folder.ts";

export const openDoor = Effect.fn("cli.openDoor")(function* (
  folder: Folder,
  on: Endpoint,
  token: string,
  answer: (request: AdminRequest) => Effect.Effect<AdminAnswer>,
) {
  const at = yield* serveAdmin(on, answer);
  yield* Effect.addFinalizer(() => removeDoor(folder));
  yield* writeDoor(folder, { ...at, token });
  return at;
});
