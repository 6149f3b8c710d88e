/**
 * What finding a peer asks of the DNS, what it is answered, and what comes of it. RFC 3263; RFC 1035, RFC 2782 and RFC 3403 for
 * the records.
 *
 *   LocateInput --> questions <--> answers --> LocateOutcome: targets, the first to be tried first
 */
import { paramOf, type SipUri } from "../../codecs/sip/mod.ts";
import type { Transport } from "../proxy/mod.ts";

export type { Transport };
/** An address's version of IP. */
export type Family = "IPv6" | "IPv4";

/** Names are in lower case and without a dot at their end; the root is the empty name. */
export type DnsQuestion =
  | { readonly kind: "NAPTR"; readonly name: string }
  | { readonly kind: "SRV"; readonly name: string }
  | { readonly kind: "A"; readonly name: string }
  | { readonly kind: "AAAA"; readonly name: string };

/** RFC 3403 §4.1. */
export interface NaptrRecord {
  readonly kind: "NAPTR";
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly regexp: string;
  readonly replacement: string;
}
/** RFC 2782. */
export interface SrvRecord {
  readonly kind: "SRV";
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}
/** An address as text, without brackets. */
export interface AddressRecord {
  readonly kind: "A" | "AAAA";
  readonly address: string;
}
/** One record of an answer. */
export type DnsRecord = NaptrRecord | SrvRecord | AddressRecord;

/** What the DNS answers to one question. */
export type DnsAnswer =
  /** `ttlS`: the least of its records; undefined where the platform does not tell. */
  | { readonly type: "records"; readonly records: ReadonlyArray<DnsRecord>; readonly ttlS: number | undefined }
  /** No such name, or none of that kind: platforms do not tell the two apart. */
  | { readonly type: "none" }
  /** Nobody has answered, or a server that cannot. */
  | { readonly type: "failed"; readonly why: string };

/** A URI to be found, and what we speak. */
export interface LocateInput {
  /** `sips:` */
  readonly secure: boolean;
  /** RFC 3263 §4, TARGET: `maddr`, or the host. A name, or an address without brackets. */
  readonly target: string;
  /** What a certificate must prove: the URI's host, and neither `maddr` nor what the DNS has led to. RFC 5922 §4. */
  readonly name: string;
  readonly port: number | undefined;
  /** Of the URI, in lower case. */
  readonly transport: string | undefined;
  /** Which we speak, the one that we like best first. */
  readonly transports: ReadonlyArray<Transport>;
  readonly families: ReadonlyArray<Family>;
  /** From 0 to 2^32-1, random: it draws among servers of one priority by their weights. RFC 2782. */
  readonly seed: number;
  /** How long each round of questions may stay without answers. */
  readonly answerMs: number;
}

/** One place to try. */
export interface Target {
  readonly transport: Transport;
  /** An address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** `LocateInput.name`. */
  readonly name: string;
}

/** Where to connect, in the order to try; or why there is nowhere. */
export type LocateOutcome =
  | {
      readonly type: "targets";
      /** At least one, at most TARGETS_MAX. */
      readonly targets: ReadonlyArray<Target>;
      /** The least of all records that it stands on; undefined where none was told. */
      readonly ttlS: number | undefined;
      /** False: a question was not answered, so that there may be others. */
      readonly isWhole: boolean;
    }
  | { readonly type: "nowhere"; readonly why: Nowhere };

/** Why a URI leads nowhere. */
export type Nowhere =
  /** The domain says that it has no such service, or none over a transport of ours. */
  | "notOffered"
  | "noAddress"
  /** A question was not answered. */
  | "noAnswer"
  /** A transport that SIP does not have, that we do not speak, or UDP for `sips:`. */
  | "badTransport";

/** Of an answer, those that come first. */
export const RECORDS_MAX = 32;
/** Servers whose addresses are asked for. */
export const SERVERS_MAX = 16;
/** Addresses of one outcome. */
export const TARGETS_MAX = 32;

export const PORTS: Readonly<Record<Transport, number>> = { UDP: 5_060, TCP: 5_060, TLS: 5_061 };

/** What a URI asks for. */
export const wantedBy = (uri: SipUri): Pick<LocateInput, "secure" | "target" | "name" | "port" | "transport"> => {
  const bare = (host: string) => host.replace(/^\[|\]$/g, "").replace(/(.)\.$/, "$1");
  return {
    secure: uri.secure,
    target: bare(paramOf(uri.params, "maddr")?.toLowerCase() ?? uri.host),
    name: bare(uri.host),
    port: uri.port,
    transport: paramOf(uri.params, "transport")?.toLowerCase(),
  };
};

/** Four numbers, or whatever has a colon: no name has one. */
export const isAddress = (host: string): boolean => host.includes(":") || IPV4.test(host);
const IPV4 = /^(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})){3}$/;
/** By its colons. */
export const familyOf = (address: string): Family => (address.includes(":") ? "IPv6" : "IPv4");
