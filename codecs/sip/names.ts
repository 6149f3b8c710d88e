/**
 * Names of header fields in one form, and the numbers of those that we read. RFC 3261 §7.3.1 and §20; compact forms as
 * IANA has them.
 */

/** Fields that are looked for in a message of another's. 0: any other. */
// biome-ignore format: columns
export const ID = {
  via: 1, from: 2, to: 3, callId: 4, cseq: 5, maxForwards: 6, contentLength: 7, contentType: 8, contact: 9, route: 10,
  recordRoute: 11, require: 12, proxyRequire: 13, ticket: 14, supported: 15,
} as const;

/** By number, in their usual letters. */
// biome-ignore format: columns
export const NAMES: ReadonlyArray<string> = [
  "", "Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type", "Contact", "Route",
  "Record-Route", "Require", "Proxy-Require", "X-Cisco-ViPR-Ticket", "Supported",
];

/** Compact forms become the long ones; known names get their usual letters; others stay as they are. */
export const canonicalName = (name: string): string => (NUMBERS.has(name) ? name : usualName(name));

/** The same, of a name that is none of those with a number. */
export const usualName = (name: string): string => {
  const lower = name.toLowerCase();
  const long = lower.length === 1 ? (COMPACT.get(lower) ?? lower) : lower;
  return USUAL.get(long) ?? name;
};

/** The number of a canonical name. */
export const idOfName = (canonical: string): number => NUMBERS.get(canonical) ?? 0;

/** The number of the name that stands in the text from `at` to `to`, in whatever letters, short or long. */
export const idIn = (text: string, at: number, to: number): number => {
  const length = to - at;
  if (length === 1) return SHORT[text.charCodeAt(at) & 127]!;
  if (length > LONGEST) return 0;
  const id = BY_SHAPE[shapeOf(length, text.charCodeAt(at), text.charCodeAt(at + 1))]!;
  if (id === 0) return 0;
  const lower = LOWER[id]!;
  for (let i = 2; i < length; i++) if ((text.charCodeAt(at + i) | 32) !== lower.charCodeAt(i)) return 0;
  return (text.charCodeAt(at) | 32) === lower.charCodeAt(0) && (text.charCodeAt(at + 1) | 32) === lower.charCodeAt(1)
    ? id
    : 0;
};

// biome-ignore format: columns
const COMPACT: ReadonlyMap<string, string> = new Map(Object.entries({
  a: "accept-contact", b: "referred-by", c: "content-type", d: "request-disposition", e: "content-encoding",
  f: "from", i: "call-id", j: "reject-contact", k: "supported", l: "content-length", m: "contact", n: "identity-info",
  o: "event", r: "refer-to", s: "subject", t: "to", u: "allow-events", v: "via", x: "session-expires", y: "identity",
}));

// biome-ignore format: columns
const USUAL: ReadonlyMap<string, string> = new Map([
  "Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events",
  "Authentication-Info", "Authorization", "Call-Info", "Content-Disposition", "Content-Encoding", "Content-Language",
  "Date", "Error-Info", "Event", "Expires", "Identity", "Identity-Info", "In-Reply-To", "MIME-Version", "Min-Expires",
  "Organization", "P-Asserted-Identity", "Priority", "Proxy-Authenticate", "Proxy-Authorization", "Reason", "Refer-To",
  "Referred-By", "Reject-Contact", "Reply-To", "Request-Disposition", "Retry-After", "Server", "Session-Expires",
  "Subject", "Timestamp", "Unsupported", "User-Agent", "Warning", "WWW-Authenticate", ...NAMES.slice(1),
].map((name) => [name.toLowerCase(), name]));

const NUMBERS: ReadonlyMap<string, number> = new Map(NAMES.map((name, id) => [name, id] as const).slice(1));
const LOWER: ReadonlyArray<string> = NAMES.map((name) => name.toLowerCase());
const LONGEST = Math.max(...NAMES.map(({ length }) => length));

/** Length and first two letters tell these names apart. */
const shapeOf = (length: number, first: number, second: number): number =>
  (length << 10) | ((first & 31) << 5) | (second & 31);
const BY_SHAPE = new Uint8Array((LONGEST + 1) << 10);
const SHORT = new Uint8Array(128);
for (let id = 1; id < LOWER.length; id++) {
  const lower = LOWER[id]!;
  BY_SHAPE[shapeOf(lower.length, lower.charCodeAt(0), lower.charCodeAt(1))] = id;
}
for (const [short, long] of COMPACT)
  for (const letter of [short, short.toUpperCase()]) SHORT[letter.charCodeAt(0)] = Math.max(0, LOWER.indexOf(long));
