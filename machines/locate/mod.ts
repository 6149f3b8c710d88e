/** Finding a SIP peer by its URI: NAPTR, SRV, A and AAAA. RFC 3263. */
export { type LocateEvent, type LocateOrder, locate } from "./locate.ts";
export {
  type AddressRecord,
  type DnsAnswer,
  type DnsQuestion,
  type DnsRecord,
  type Family,
  familyOf,
  isAddress,
  type LocateInput,
  type LocateOutcome,
  type NaptrRecord,
  type Nowhere,
  RECORDS_MAX,
  SERVERS_MAX,
  type SrvRecord,
  TARGETS_MAX,
  type Target,
  wantedBy,
} from "./types.ts";
