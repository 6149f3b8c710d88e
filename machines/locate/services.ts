/**
 * By which transports a domain is reached, and under which names its servers stand. RFC 3263 §4.1 and §4.2. Functions only.
 *
 *   transport named, a port, an address --> that transport, UDP, or TLS for sips:
 *   otherwise                           --> what NAPTR says, or else SRV for each transport of ours
 */
import type { LocateInput, NaptrRecord, Transport } from "./types.ts";
import { isAddress } from "./types.ts";

/** A name to ask SRV of. */
export interface Service {
  readonly transport: Transport;
  readonly srv: string;
}

/** The transport that is settled before anything is asked. "none": it cannot be had; undefined: the domain decides. */
export const settledTransport = (input: LocateInput): Transport | "none" | undefined => {
  const { secure, target, port, transport } = input;
  if (transport !== undefined) return spoken(input, namedTransport(secure, transport));
  if (!isAddress(target) && port === undefined) return undefined;
  if (secure) return spoken(input, "TLS");
  // UDP, unless we do not have it: then what we like best, as a border element that speaks TLS alone.
  return input.transports.includes("UDP") ? "UDP" : (input.transports[0] ?? "none");
};

const spoken = ({ transports }: LocateInput, wanted: Transport | "none"): Transport | "none" =>
  wanted !== "none" && transports.includes(wanted) ? wanted : "none";

/** `transport=tls` is of RFC 2543 and in use everywhere; `sips:` means TLS over whatever is named. RFC 3261 §26.2.2. */
const namedTransport = (secure: boolean, named: string): Transport | "none" => {
  if (named === "tls") return "TLS";
  if (named === "tcp") return secure ? "TLS" : "TCP";
  return named === "udp" && !secure ? "UDP" : "none";
};

const SRV_OF: Readonly<Record<Transport, string>> = { UDP: "_sip._udp", TCP: "_sip._tcp", TLS: "_sips._tcp" };
export const serviceOf = (transport: Transport, domain: string): Service => ({
  transport,
  srv: `${SRV_OF[transport]}.${domain}`,
});

/** Without NAPTR: what we speak, in our order. */
export const servicesSpoken = ({ secure, target, transports }: LocateInput): ReadonlyArray<Service> =>
  transports.filter((transport) => !secure || transport === "TLS").map((transport) => serviceOf(transport, target));

const NAPTR_SERVICES: Readonly<Record<string, Transport>> = { "SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS" };

/**
 * What NAPTR offers us: of the lowest order that has anything for us all, by preference (RFC 3403 §4.1: once an order has
 * matched, no later one is looked at; a domain that puts TLS first is not reached in the clear because its TLS is away).
 * "none": there is no NAPTR for SIP, and SRV is asked at once. Empty: there is, and nothing for us.
 */
export const servicesOffered = (
  input: LocateInput,
  records: ReadonlyArray<NaptrRecord>,
): ReadonlyArray<Service> | "none" => {
  const forSip = records.filter(({ service }) => /^sips?\+d2[a-z]$/i.test(service));
  if (forSip.length === 0) return "none";
  const usable = forSip.flatMap((record) => {
    const transport = NAPTR_SERVICES[record.service.toUpperCase()];
    const isOurs =
      transport !== undefined && input.transports.includes(transport) && (!input.secure || transport === "TLS");
    const leadsToSrv = record.flags.toLowerCase() === "s" && record.regexp === "" && record.replacement !== "";
    return isOurs && leadsToSrv ? [{ ...record, transport }] : [];
  });
  const order = Math.min(...usable.map(({ order }) => order));
  return usable
    .filter((record) => record.order === order)
    .sort((a, b) => a.preference - b.preference)
    .map(({ transport, replacement }) => ({ transport, srv: replacement }));
};
