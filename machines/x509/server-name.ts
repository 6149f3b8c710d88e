/**
 * Whether a certificate is that of the server that was asked for. RFC 9110 §4.3.4, RFC 9525 §6.
 *
 *   a DNS name -> a dNSName of subjectAltName: the same, or with "*" in place of the first label
 *   an address -> an iPAddress of subjectAltName, byte for byte
 *
 * The common name proves nothing, whether there are other names or none: Node, Deno and Bun fall back on it, also where the
 * constraints of an authority above have looked at the other names only.
 */
import { addressOf } from "../../codecs/reload/mod.ts";
import { bytesOfBig, equalBytes } from "../../codecs/shared/mod.ts";
import type { Certificate, GeneralName } from "../../codecs/x509/mod.ts";
import type { Refusal } from "./refusal.ts";

/** `server`: a host name in A-labels, or an IP address. */
export const serverNameFault = ({ extensions }: Certificate, server: string): Refusal | undefined => {
  const names = extensions.altNames?.names ?? [];
  const address = addressOf({ host: server, port: 0 });
  const host = server.toLowerCase();
  const isNamed =
    address === undefined
      ? names.some((name) => name.type === "dns" && isHost(name.value.toLowerCase(), host))
      : names.some((name) => name.type === "ip" && equalBytes(name.value, bytesOf(address)));
  return isNamed ? undefined : { reason: "serverName", why: `certificate is not for ${server}: ${shownOf(names)}` };
};

/** A wildcard stands for one whole label (RFC 9525 §6.3), and for none of those right below the root. */
const isHost = (name: string, host: string): boolean => {
  if (!name.startsWith("*.")) return name === host;
  const parent = name.slice(1);
  return /^\..+\../.test(parent) && host.indexOf(".") > 0 && host.slice(host.indexOf(".")) === parent;
};

const bytesOf = ({ type, address }: NonNullable<ReturnType<typeof addressOf>>): Uint8Array =>
  bytesOfBig(BigInt(address.addr), type === "ipv4" ? 4 : 16);

/** What it is for instead, so that the operator sees which of them to replace. Printable: codecs/x509 reads no other names. */
const shownOf = (names: ReadonlyArray<GeneralName>): string => {
  const hosts = names.flatMap((name) => (name.type === "dns" ? [name.value.slice(0, HOST_CHARS_MAX)] : []));
  if (hosts.length === 0) return "no host name in its subjectAltName, and a common name does not count";
  return `its subjectAltName has ${hosts.slice(0, HOSTS_SHOWN_MAX).join(", ")}${hosts.length > HOSTS_SHOWN_MAX ? ", ..." : ""}`;
};
const HOST_CHARS_MAX = 253;
const HOSTS_SHOWN_MAX = 4;
