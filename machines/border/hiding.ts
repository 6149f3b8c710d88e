/**
 * What the inside does not show to the outside, and what it does not believe from there. RFC 3261 §20, RFC 3323, RFC 3325;
 * docs/protocol/sip.md#what-the-inside-does-not-show. DECISIONS.md D-122. Functions only.
 */
import { parseNameAddr, printNameAddr, TICKET_HEADER, targetIn } from "../../codecs/sip/mod.ts";

/** They name products, hosts, people and extensions of the inside, or are meant for it alone. */
// biome-ignore format: columns
const HIDDEN = new Set([
  "User-Agent", "Server", "Warning", "Call-Info", "Alert-Info", "Error-Info", "In-Reply-To", "Organization", "Reply-To",
  "History-Info", "Diversion", "Remote-Party-ID", "Path", "Service-Route", "Geolocation", "Identity-Info", "Authorization",
  "Proxy-Authorization",
].map((name) => name.toLowerCase()));
/** A caller from outside may not say of itself what only our own network can know. RFC 3325 §5. */
// biome-ignore format: columns
const UNTRUSTED = new Set([
  "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "P-Charging-Vector", "P-Charging-Function-Addresses",
  "P-Access-Network-Info", "P-Visited-Network-ID", "P-Called-Party-ID", "P-Served-User", "Path", "Service-Route",
  "Authorization", "Proxy-Authorization", "Geolocation", "Alert-Info", TICKET_HEADER,
].map((name) => name.toLowerCase()));

/** Fields that leave: those of one vendor or one network (X-, P-) stay here, but for our ticket. */
export const isShown = (name: string): boolean => {
  const lower = name.toLowerCase();
  if (HIDDEN.has(lower)) return false;
  return !/^[xp]-/.test(lower) || lower === TICKET;
};
const TICKET = TICKET_HEADER.toLowerCase();

/** Fields that come in. */
export const isBelieved = (name: string): boolean => !UNTRUSTED.has(name.toLowerCase());

/**
 * An address with our domain in the place of a host that means something only inside: an IP address, a name without a dot,
 * or one of a domain that nobody else resolves. The same text where there is nothing to hide.
 */
export const withPublicHost = (name: string, value: string, domain: string): string => {
  const address = parseNameAddr(name, value);
  if (!address.ok || address.value.uri.type !== "sip" || !isInsideHost(address.value.uri.host)) return value;
  const { uri, ...rest } = address.value;
  const params = uri.params.filter(({ name }) => !PLACES.has(name));
  return printNameAddr({ ...rest, uri: { ...uri, host: domain, port: undefined, params, headers: undefined } });
};
const PLACES = new Set(["maddr", "transport", "received", "ttl"]);

export const isInsideHost = (host: string): boolean =>
  /^[0-9.]+$/.test(host) || host.startsWith("[") || !host.replace(/\.$/, "").includes(".") || LOCAL.test(host);
/** RFC 6762, RFC 8375, and those that networks give themselves. */
const LOCAL = /\.(?:local|localdomain|lan|home|internal|intern|corp|private|home\.arpa)\.?$/i;

/** A Contact of the inside: its URI as a target, and those parameters that name no device. Undefined: there is none to read. */
export const contactParts = (value: string): { readonly target: string; readonly params: string } | undefined => {
  const target = targetIn(value);
  const address = parseNameAddr("Contact", value);
  if (target === undefined || !address.ok) return undefined;
  const params = address.value.params
    .filter(({ name }) => !DEVICE.has(name) && /^[a-z0-9+._-]+$/.test(name))
    .map(({ name, value }) =>
      value === undefined
        ? `;${name}`
        : `;${name}=${/^[A-Za-z0-9._-]+$/.test(value) ? value : `"${value.replace(/[\\"]/g, "")}"`}`,
    );
  return { target, params: params.join("") };
};
const DEVICE = new Set(["+sip.instance", "reg-id", "pub-gruu", "temp-gruu", "q", "expires", "received"]);

/** The user part of a Route value or a Request-URI: where our tokens stand. */
export const userIn = (value: string): string | undefined => USER.exec(value)?.[1];
const USER = /^[^<]*<?\s*sips?:([^@>;?:]+)@/i;
