/**
 * The demonstration's admin ports: one a company, on a free port of this machine. DIR/<domain>/admin.json says where, so
 * that `vipr explain NUMBER --data DIR/<domain>` and `vipr ring --data DIR/<domain>` ask it while it is up.
 */
import { join } from "node:path";
import { Clock, Effect } from "effect";
import { handleAdmin } from "../../actors/admin/mod.ts";
import { Keys } from "../../actors/ports/mod.ts";
import { serveAdmin } from "../admin.ts";
import { newToken, removeDoor, writeDoor } from "../cli/door.ts";
import { openFolder } from "../cli/folder.ts";
import type { RunningCompany } from "./company.ts";
import { HOST } from "./overlay.ts";

/** Until the scope closes. */
export const openDoor = Effect.fn("demo.door")(function* (directory: string, company: RunningCompany) {
  const { domain, server, credentials } = company;
  const folder = yield* openFolder(join(directory, domain));
  const { notAfterMs } = yield* Effect.orDie((yield* Keys).inspect(credentials.certificates[0]!));
  const token = newToken();
  const times = { startedMs: yield* Clock.currentTimeMillis, certificateEndsMs: notAfterMs };
  const answer = handleAdmin({ node: server.nodes[0]!, token, times, explain: server.explain });
  const at = yield* serveAdmin({ host: HOST, port: 0 }, answer);
  yield* writeDoor(folder, { ...at, token });
  yield* Effect.addFinalizer(() => removeDoor(folder));
});
