/**
 * Names in a certificate of an overlay: the reload URI and the user name; and the URL of enrolment.
 * Requirements: RFC 6940 §11.1, §11.3.
 */
import { Destination, type NodeId, nodeIdFrom, toNode } from "../reload/mod.ts";
import { hexOf } from "../shared/mod.ts";
import { encode } from "../wire/mod.ts";

/** A node and the overlay that it is of. RFC 6940 §14.15. */
export interface ReloadUri {
  readonly nodeId: NodeId;
  readonly overlay: string;
}

/**
 * `reload://<destination>@<overlay>/`, RFC 6940 §14.15: a "hexadecimal-encoded Destination List object", here of one
 * node: `0110` (type node, sixteen bytes) and the Node-ID.
 */
export const reloadUri = ({ nodeId, overlay }: ReloadUri): string =>
  `reload://${hexOf(encode(Destination, toNode(nodeId)))}@${overlay}/`;

/**
 * The bare 32 digits of a Node-ID are read too; the overlay in lower case. Undefined for all else, a specifier
 * included.
 */
export const readReloadUri = (uri: string): ReloadUri | undefined => {
  const match = /^reload:\/\/(?:0110)?([0-9a-f]{32})@([a-z0-9.-]{1,255})\/?$/.exec(uri.toLowerCase());
  return match === null ? undefined : { nodeId: nodeIdFrom(BigInt(`0x${match[1]}`)), overlay: match[2]! };
};

/**
 * The rfc822Name of a user: the name itself if it has a domain, else in the overlay's. Undefined for illegal
 * characters.
 */
export const userNameOf = (user: string, overlay: string): string | undefined => {
  const name = user.includes("@") ? user : `${user}@${overlay}`;
  return /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}$/.test(name) ? name : undefined;
};

/** Where an enrolment server is reached, over https: an IPv6 host without its brackets. */
export interface EnrolmentPlace {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

const HTTPS_PORT = 443;

/** An enrollment-server URL of the overlay's document; undefined unless it is https. */
export const readEnrolmentUrl = (url: string): EnrolmentPlace | undefined => {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, pathname } = new URL(url);
  if (protocol !== "https:") return undefined;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? HTTPS_PORT : Number(port), path: pathname };
};

/** The URL of such a place, with its port even where it is 443. */
export const enrolmentUrl = ({ host, port, path }: EnrolmentPlace): string =>
  `https://${host.includes(":") ? `[${host}]` : host}:${port}${path}`;
