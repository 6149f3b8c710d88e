/** The options that a bare node and a ViPR server have in common. */
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { anchorOf, authorityOf } from "./anchor.ts";
import { logOptions } from "./log-options.ts";
import type { MemberSettings } from "./member.ts";
import { addressOf, loopbackOf, required, type ValuesOf, Wrong } from "./options.ts";
import { ownAddress } from "./own-address.ts";
import { ADMIN_PORT, RELOAD_PORT } from "./ports.ts";

export const MEMBER_OPTIONS = {
  data: { type: "string" },
  authority: { type: "string" },
  fingerprint: { type: "string" },
  root: { type: "string" },
  name: { type: "string" },
  user: { type: "string" },
  "password-file": { type: "string" },
  listen: { type: "string" },
  advertise: { type: "string" },
  admin: { type: "string" },
  ...logOptions,
} as const;

export const IDENTITY_HELP = `  --authority URL       where to enrol: what vipr authority printed
  --fingerprint SHA256  of the overlay's root, as vipr authority printed it; or
  --root FILE           the root itself, or the root of the authority's HTTPS certificate (PEM)
  --name OVERLAY        refuse any other overlay there
  --user NAME           the account at the authority
  --password-file FILE  its password, the first line; - is standard input. Without it the password is
                        asked for; with it the certificate is also renewed in time`;

export const MEMBER_CODES = `exit codes: 1 a fault of this program, 2 options, 3 the authority (or the running node) cannot be
reached, 4 refused, 5 a port is taken, 6 another process uses DIR, 7 DIR cannot be written, 8 the disk
is full, 9 a file in DIR is damaged, 10 a certificate is not valid at this hour, 11 the overlay asks
what this program cannot`;

export const memberOf = (values: ValuesOf<typeof MEMBER_OPTIONS>): MemberSettings => {
  const { admin = `127.0.0.1:${ADMIN_PORT}` } = values;
  const listen = addressOf(values.listen ?? `0.0.0.0:${RELOAD_PORT}`, "listen", RELOAD_PORT);
  const isTold = values.fingerprint !== undefined || values.root !== undefined;
  return {
    data: dataOf(values),
    authority: values.authority === undefined ? undefined : authorityOf(values.authority),
    anchor: isTold ? anchorOf(values.root, values.fingerprint) : undefined,
    name: values.name,
    user: values.user,
    passwordFile: values["password-file"],
    listen,
    advertise: advertiseOf(values.advertise, listen),
    admin: admin === "none" ? undefined : loopbackOf(admin, "admin", ADMIN_PORT),
  };
};

export const dataOf = ({ data }: { readonly data?: string | undefined }): string =>
  required(data, "data", "the directory where it keeps what it has");

/** A node that listens everywhere must say where; with one address the machine itself knows. */
const advertiseOf = (text: string | undefined, listen: Endpoint): Endpoint | undefined => {
  if (text !== undefined) return addressOf(text, "advertise", listen.port === 0 ? undefined : listen.port);
  const host = ownAddress(listen.host);
  if (host === listen.host) return undefined;
  if (host === undefined || listen.port === 0)
    throw new Wrong(`--listen ${listen.host} is every address: --advertise must say where others reach this node`);
  return { host, port: listen.port };
};
