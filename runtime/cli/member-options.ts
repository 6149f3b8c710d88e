/** The options that a bare node and a ViPR server have in common. */
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { MEMBER_OPTIONS } from "../command/shared.ts";
import { anchorOf, authorityOf } from "./anchor.ts";
import type { MemberSettings } from "./member.ts";
import { addressOf, loopbackOf, required, type ValuesOf, Wrong } from "./options.ts";
import { ownAddress } from "./own-address.ts";
import { ADMIN_PORT, RELOAD_PORT } from "./ports.ts";

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
