/** Keys, certificates and roots out of the PEM files that `vipr.toml` names. RFC 7468. */
import { readFileSync, statSync } from "node:fs";
import tls from "node:tls";
import { Effect } from "effect";
import type { Credentials } from "../../actors/ports/mod.ts";
import { domainsOf } from "../../machines/sip/mod.ts";
import { inspect } from "../chains.ts";
import type { ViprConfig } from "../config/mod.ts";
import { isKeyOf, keyOfPem } from "../keys.ts";
import { validityOf } from "../metrics/certificates.ts";
import { missing } from "./config-file.ts";
import { namedFileStopped, type Stopped, stopped } from "./exit.ts";
import { derOfPem } from "./pem.ts";

const FILE_BYTES_MAX = 1_048_576;

/** `key`: what names the file, in complaints. */
export const textOf = (file: string, key: string): Effect.Effect<string, Stopped> =>
  Effect.try({
    try: () => {
      if (statSync(file).size > FILE_BYTES_MAX) throw new Error(`longer than ${FILE_BYTES_MAX} bytes`);
      return readFileSync(file, "utf8");
    },
    catch: (cause) => namedFileStopped(file, cause, key),
  });

/** Each of them can be read: the platform's TLS throws on one that cannot, when a listener opens or at SIGHUP. */
const certificatesIn = Effect.fnUntraced(function* (file: string, key: string) {
  const found = derOfPem(yield* textOf(file, key), "CERTIFICATE");
  if (found.length === 0) return yield* stopped("usage", `${key}: ${file} has no certificate in it`);
  const bad = found.findIndex((one) => validityOf(one) === undefined);
  if (bad >= 0)
    return yield* stopped("usage", `${key}: certificate ${bad + 1} of ${file} cannot be read: it is damaged`);
  return found;
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

/** Of `[border]`, for the outside: a certificate of that domain, as other companies' border elements will look at it. RFC 5922 §7. */
export const borderCredentials = Effect.fn("border.credentials")(function* (
  { border }: ViprConfig,
  domain: string,
): Effect.fn.Return<Credentials, Stopped> {
  const credentials = yield* credentialsIn("border", border, "the roots of other companies' certificates");
  const where = `border.certificate-file: ${border.certificateFile}`;
  const facts = yield* Effect.mapError(inspect(credentials.certificates[0]!), ({ why }) =>
    stopped("usage", `${where}: ${why}`),
  );
  const domains = domainsOf(facts);
  if (domains.includes(domain)) return credentials;
  const of = domains.length === 0 ? "of no domain" : `of ${domains.join(", ")}`;
  return yield* stopped(
    "usage",
    `${where} is ${of}: wants a subject alternative name of ${domain} (DNS, or a sip: URI)`,
  );
});

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
  if (!isKeyOf(key, certificates[0]!))
    return yield* stopped(
      "usage",
      `${table}.${prefix}certificate-file: the first certificate of ${certificateFile} is not of the key in ${keyFile}`,
    );
  return { key, certificates, roots: yield* readRoots(caFile, `${table}.${prefix}ca-file`) };
});
