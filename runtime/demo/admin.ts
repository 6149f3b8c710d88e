/**
 * The demonstration's admin ports, for `vipr ring` and `vipr explain` while it is up: one of the overlay's first node at
 * an address of the visitor's choice, and one a company on a free port, which is in DIR/<domain>/admin.json.
 */
import { join } from "node:path";
import { Clock, Effect } from "effect";
import { handleAdmin } from "../../actors/admin/mod.ts";
import { Keys } from "../../actors/ports/mod.ts";
import type { OverlayNode } from "../../actors/reload/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { serveAdmin } from "../admin.ts";
import { newToken } from "../cli/door.ts";
import { openFolder } from "../cli/folder.ts";
import { openDoor } from "../cli/open-door.ts";
import type { RunningCompany } from "./company.ts";
import { HOST } from "./overlay.ts";

/** Orders are refused: the token is given to no one. */
export const openOverlayAdmin = Effect.fn("demo.admin")(function* (
  { operator: node, certificate }: { readonly operator: OverlayNode; readonly certificate: Uint8Array },
  on: Endpoint,
) {
  return yield* serveAdmin(on, handleAdmin({ node, token: newToken(), times: yield* timesOf(certificate) }));
});

export const openCompanyAdmin = Effect.fn("demo.companyAdmin")(function* (company: RunningCompany, directory: string) {
  const { domain, server, credentials } = company;
  const folder = yield* openFolder(join(directory, domain));
  const token = newToken();
  const times = yield* timesOf(credentials.certificates[0]!);
  const answer = handleAdmin({ node: server.nodes[0]!, token, times, explain: server.explain });
  yield* openDoor(folder, { host: HOST, port: 0 }, token, answer);
});

const timesOf = Effect.fnUntraced(function* (certificate: Uint8Array) {
  const { notAfterMs } = yield* Effect.orDie((yield* Keys).inspect(certificate));
  return { startedMs: yield* Clock.currentTimeMillis, certificateEndsMs: notAfterMs };
});
