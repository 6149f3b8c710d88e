/**
 * How call agents reach a ViPR server: in plain TCP on this machine; elsewhere over TLS, under a root of the server's own.
 *
 *   vap.pem   the root's key and certificate        vap-root.pem   its certificate alone, for the call agents
 *
 * The overlay's root would not do: every member of the overlay has a certificate of that one. What the server shows is made
 * anew at each start, the root stays for ten years: an agent compares with that, a configured value, as
 * draft-jennings-vipr-vap-02 has it. DECISIONS.md D-078.
 */
import { hostname } from "node:os";
import { Effect } from "effect";
import type { Credentials, Keys } from "../../actors/ports/mod.ts";
import { isDomainName } from "../../codecs/ticket/mod.ts";
import { pemCertificate } from "../certificates.ts";
import type { Stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { credentialsUnder, openAuthority } from "./own-authority.ts";

const AUTHORITY = "vap.pem";
export const VAP_ROOT = "vap-root.pem";

export const openVapCredentials = Effect.fn("server.vapCredentials")(function* (
  folder: Folder,
): Effect.fn.Return<Credentials, Stopped, Keys> {
  const authority = yield* openAuthority(folder, AUTHORITY, "ViPR server VAP");
  yield* folder.write(VAP_ROOT, pemCertificate(authority.root));
  const own = hostname().toLowerCase();
  return yield* credentialsUnder(authority, isDomainName(own) ? own : "localhost");
});
