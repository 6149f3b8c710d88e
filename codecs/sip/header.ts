/**
 * What the header fields that SIP itself needs say: topmost Via, From, To, CSeq, addresses. RFC 3261 §20. A field that
 * came in is read once, however often it is asked (`fields.ts`).
 */
import { type Parsed, parsed } from "./error.ts";
import { addressesOfHeader, Field, fieldOf, fieldsOf, type HasHeaders, indexOf } from "./fields.ts";
import type { NameAddr } from "./name-addr.ts";
import { paramOf } from "./params.ts";
import { type CSeq, parseCSeq, taggedIn, type Via, viaIn } from "./values.ts";

/** The addresses of Contact, Route or Record-Route, first to last. */
export const addressesOf = ({ headers }: HasHeaders, name: string): Parsed<ReadonlyArray<NameAddr>> => {
  const first = indexOf(headers, name, 0);
  if (first < 0) return NO_ADDRESSES;
  const next = indexOf(headers, name, first + 1);
  if (next < 0) return addressesOfHeader(headers[first]!);
  const addresses: Array<NameAddr> = [];
  for (let at = first; at >= 0; at = indexOf(headers, name, at + 1)) {
    const found = addressesOfHeader(headers[at]!);
    if (!found.ok) return found;
    addresses.push(...found.value);
  }
  return parsed(addresses);
};
const NO_ADDRESSES = parsed<ReadonlyArray<NameAddr>>([]);

/** The addresses of Route, the next hop first; an error where one cannot be read. RFC 3261 §20.34. */
export const routesIn = (message: HasHeaders): Parsed<ReadonlyArray<NameAddr>> => addressesOf(message, "Route");

/** The tag of From or To. */
export const tagOf = (message: HasHeaders, name: "From" | "To"): string | undefined => {
  const field = fieldOf(message, name);
  if (field === undefined) return undefined;
  const address = field instanceof Field ? field.tagged : taggedIn(name, field.value, 0, field.value.length);
  return address.ok ? paramOf(address.value.params, "tag") : undefined;
};

/** The topmost Via: who sent this, and which transaction it belongs to. Those below are others' affair. */
export const topViaOf = (message: HasHeaders): Via | undefined => {
  const field = fieldOf(message, "Via");
  if (field === undefined) return undefined;
  const via = field instanceof Field ? field.via : viaIn(field.value, 0, field.value.length);
  return via.ok ? via.value : undefined;
};

/** The branch of the topmost Via. */
export const branchOf = (message: HasHeaders): string | undefined => {
  const via = topViaOf(message);
  return via && paramOf(via.params, "branch");
};

/** Number and method of CSeq; 0 and "" where there is none that can be read. RFC 3261 §20.16. */
export const cseqOf = (message: HasHeaders): CSeq => {
  const field = fieldOf(message, "CSeq");
  const cseq = field instanceof Field ? field.cseq : field && parseCSeq(field.value);
  return cseq?.ok ? cseq.value : NO_CSEQ;
};
const NO_CSEQ: CSeq = { number: 0, method: "" };

/** How often a request may be passed on: 70 where it does not say, the least where it says it twice. RFC 3261 §16.3 and §16.6. */
export const hopsOf = (message: HasHeaders): number => {
  let hops: number | undefined;
  for (const { value } of fieldsOf(message, "Max-Forwards")) hops = Math.min(hops ?? Number(value), Number(value));
  return hops ?? HOPS_MAX;
};
/** What we write, and what a request without Max-Forwards counts as. RFC 3261 §8.1.1.6. */
export const HOPS_MAX = 70;
