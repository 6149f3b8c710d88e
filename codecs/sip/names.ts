/** Names of header fields in one form. RFC 3261 §7.3.1 and §20; compact forms as IANA has them. */

/** Compact forms become the long ones; known names get their usual letters; others stay as they are. */
export const canonicalName = (name: string): string => {
  const known = SPELT.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const long = COMPACT.get(lower) ?? lower;
  return USUAL.get(long) ?? name;
};

/** The canonical name of one that is spelt as usual, in lower case or in compact form: known without lower-casing it. */
export const spelt = (name: string): string | undefined => SPELT.get(name);

// biome-ignore format: columns
const COMPACT: ReadonlyMap<string, string> = new Map(Object.entries({
  a: "accept-contact", b: "referred-by", c: "content-type", d: "request-disposition", e: "content-encoding",
  f: "from", i: "call-id", j: "reject-contact", k: "supported", l: "content-length", m: "contact", n: "identity-info",
  o: "event", r: "refer-to", s: "subject", t: "to", u: "allow-events", v: "via", x: "session-expires", y: "identity",
}));

// biome-ignore format: columns
const USUAL: ReadonlyMap<string, string> = new Map([
  "Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events",
  "Authentication-Info", "Authorization", "Call-ID", "Call-Info", "Contact", "Content-Disposition",
  "Content-Encoding", "Content-Language", "Content-Length", "Content-Type", "CSeq", "Date", "Error-Info", "Event",
  "Expires", "From", "Identity", "Identity-Info", "In-Reply-To", "Max-Forwards", "MIME-Version", "Min-Expires",
  "Organization", "P-Asserted-Identity", "Priority", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require",
  "Reason", "Record-Route", "Refer-To", "Referred-By", "Reject-Contact", "Reply-To", "Request-Disposition",
  "Require", "Retry-After", "Route", "Server", "Session-Expires", "Subject", "Supported", "Timestamp", "To",
  "Unsupported", "User-Agent", "Via", "Warning", "WWW-Authenticate", "X-Cisco-ViPR-Ticket",
].map((name) => [name.toLowerCase(), name]));

const SPELT: ReadonlyMap<string, string> = new Map([
  ...[...USUAL].flatMap(
    ([lower, usual]): ReadonlyArray<[string, string]> => [
      [lower, usual],
      [usual, usual],
    ],
  ),
  ...[...COMPACT].flatMap(([short, long]): ReadonlyArray<[string, string]> => {
    const usual = USUAL.get(long) ?? long;
    return [
      [short, usual],
      [short.toUpperCase(), usual],
    ];
  }),
]);
