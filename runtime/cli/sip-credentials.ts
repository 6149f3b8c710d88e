/** Keys, certificates and roots out of the PEM files that `vipr.toml` names. RFC 7468. */
import { readFileSync, statSync } from "node:fs";
import tls from "node:tls";
import { Effect } from "effect";
import type { Credentials } from "../../actors/ports/mod.ts";
import type { ViprConfig } from "../config/mod.ts";
import { keyOfPem } from "../keys.ts";
import { missing } from "./config-file.ts";
import { namedFileStopped, type Stopped, stopped } from "./exit.ts";
import { derOfPem } from "./pem.ts";

const FILE_BYTES_MAX = 1_048_576;

const textOf = (file: string, key: string): Effect.Effect<string, Stopped> =>
  Effect.try({
    try: () => {
      if (statSync(file).size > FILE_BYTES_MAX) throw new Error(`longer than ${FILE_BYTES_MAX} bytes`);
      return readFileSync(file, "utf8");
    },
    catch: (cause) => namedFileStopped(file, cause, key),
  });

const certificatesIn = Effect.fnUntraced(function* (file: string, key: string) {
  const found = derOfPem(yield* textOf(file, key), "CERTIFICATE");
  return found.length > 0 ? found : yield* stopped("usage", `${key}: ${file} has no certificate in it`);
});

/** In DER; at least one. */
export const readRoots = certificatesIn;

/** The roots that this machine trusts for servers, in DER. */
const systemRoots = (): ReadonlyArray<Uint8Array> => {
  const found = tls.getCACertificates("system");
  return derOfPem((found.length > 0 ? found : tls.rootCertificates).join("\n"), "CERTIFICATE");
};

/** It shows a certificate and asks for none, where it is reached over TLS: by configuration, or because its domain says so. */
export const showsAlone = ({ transport, tls }: ViprConfig["trunk"][number]): boolean =>
  tls === "server" && (transport === undefined || transport === "tls");

/** By the name of each trunk over TLS that asks for no certificate of ours: how its own is believed. */
export const trunkRoots = Effect.fn("agent.trunkRoots")(function* ({ trunk }: ViprConfig) {
  const roots = new Map<string, ReadonlyArray<Uint8Array>>();
  for (const one of trunk.filter(showsAlone)) {
    const { name, caFile } = one;
    roots.set(name, caFile === undefined ? systemRoots() : yield* readRoots(caFile, `trunk.${name}.ca-file`));
  }
  return roots;
});

/** Of `[agent]`, for the proxy's TLS; undefined where nothing of it is said. */
export const agentCredentials = Effect.fn("agent.credentials")(function* ({
  agent,
}: ViprConfig): Effect.fn.Return<Credentials | undefined, Stopped> {
  if (agent.certificateFile === undefined && agent.keyFile === undefined) return undefined;
  return yield* credentialsIn("agent", agent, "the roots of exchange and trunks, for TLS");
});

/** Of `[border]`, for the outside. */
export const borderCredentials = ({ border }: ViprConfig): Effect.Effect<Credentials, Stopped> =>
  credentialsIn("border", border, "the roots of other companies' certificates");

/** Of `[server]`, for its cluster. */
export const clusterCredentials = ({ server }: ViprConfig): Effect.Effect<Credentials, Stopped> =>
  credentialsIn(
    "server",
    { certificateFile: server.clusterCertificateFile, keyFile: server.clusterKeyFile, caFile: server.clusterCaFile },
    "the roots of the cluster's servers",
    "cluster-",
  );

interface CredentialFiles {
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly caFile: string | undefined;
}

const credentialsIn = Effect.fnUntraced(function* (
  table: "agent" | "border" | "server",
  { certificateFile, keyFile, caFile }: CredentialFiles,
  whose: string,
  prefix = "",
): Effect.fn.Return<Credentials, Stopped> {
  if (certificateFile === undefined)
    return yield* missing(`${table}.${prefix}certificate-file`, `the certificate of ${table}.${prefix}key-file`);
  if (keyFile === undefined)
    return yield* missing(`${table}.${prefix}key-file`, `the key of ${table}.${prefix}certificate-file`);
  if (caFile === undefined) return yield* missing(`${table}.${prefix}ca-file`, whose);
  const key = keyOfPem(yield* textOf(keyFile, `${table}.${prefix}key-file`));
  if (key === undefined)
    return yield* stopped(
      "usage",
      `${table}.${prefix}key-file: ${keyFile} has no key of ECDSA P-256, or RSA of 2048 to 4096 bits`,
    );
  const certificates = yield* certificatesIn(certificateFile, `${table}.${prefix}certificate-file`);
  return { key, certificates, roots: yield* readRoots(caFile, `${table}.${prefix}ca-file`) };
});
