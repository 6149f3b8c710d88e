/** A program's own port, with the page of its company's programs, and the file that tells where it is: both are gone when the scope closes. */
import { Effect } from "effect";
import { type AdminAnswer, type AdminRequest, handleCaptures, withPage } from "../../actors/admin/mod.ts";
import { Captured } from "../../actors/capture/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { serveAdmin } from "../admin.ts";
import type { PageProgram } from "../page/programs.ts";
import { openPage } from "../page/serve.ts";
import { removeDoor, writeDoor } from "./door.ts";
import type { Folder } from "./folder.ts";

export const openDoor = Effect.fn("cli.openDoor")(function* (
  folder: Folder,
  on: Endpoint,
  token: string,
  answer: (request: AdminRequest) => Effect.Effect<AdminAnswer>,
  programs: ReadonlyArray<PageProgram>,
) {
  const captured = handleCaptures(yield* Captured, token, answer);
  const at = yield* serveAdmin(on, withPage(yield* openPage(programs), token, captured));
  yield* Effect.addFinalizer(() => removeDoor(folder));
  yield* writeDoor(folder, { ...at, token });
  return at;
});
