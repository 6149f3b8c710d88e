/** An authority in a file of the data directory, made when it is missing, and the certificate of a server under it. */
import { Clock, Effect } from "effect";
import { type Credentials, Keys } from "../../actors/ports/mod.ts";
import { makeAuthority, type OwnAuthority } from "../authority.ts";
import { authorityOfPem, pemOfAuthority } from "../authority-file.ts";
import { type Stopped, stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";

/** Of a server's own certificate: made anew at each start. */
const SERVER_MS = 800 * 86_400_000;
const SERVER_SLACK_MS = 3_600_000;

export const openAuthority = Effect.fnUntraced(function* (
  folder: Folder,
  file: string,
  name: string,
): Effect.fn.Return<OwnAuthority, Stopped> {
  const pem = yield* folder.read(file);
  if (pem === undefined) {
    const made = yield* makeAuthority({ name, nowMs: yield* Clock.currentTimeMillis });
    yield* folder.write(file, pemOfAuthority(made)); // nothing is signed before its key is on disk
    return made;
  }
  const read = authorityOfPem(pem);
  return "why" in read ? yield* stopped("damaged", `${folder.at(file)}: ${read.why}`) : read;
});

/** A fresh key, certified for that DNS name. */
export const credentialsUnder = Effect.fnUntraced(function* (authority: OwnAuthority, name: string) {
  const keys = yield* Keys;
  const key = yield* keys.generate;
  const nowMs = yield* Clock.currentTimeMillis;
  const certificate = yield* Effect.orDie(
    authority.issue({
      csr: yield* keys.certificateRequest(key),
      uris: [],
      dnsNames: [name],
      emails: [],
      notBeforeMs: nowMs - SERVER_SLACK_MS,
      notAfterMs: nowMs + SERVER_MS,
    }),
  );
  const certificates = [certificate, ...authority.intermediates];
  return { key, certificates, roots: [authority.root] } satisfies Credentials as Credentials;
});
