/**
 * The messages of RFC 4475 (sections 3.x) and RFC 5118 (4.x): what the documents ask for, and what becomes of each with us.
 * DECISIONS.md D-155.
 *
 * `datagram`: the reader of datagrams gives a message, or a fault with what may be answered. `stream`: behind it the stream
 * `goes on`, `waits` for the octets that were promised, or is `closed` because nobody knows where the next message begins.
 * `proxy`: the call agent's proxy, asked by its PBX, `forwards` it, drops it, or answers with that status.
 */
export interface Row {
  readonly section: string;
  /** What is unusual in it. */
  readonly is: string;
  /** What the document asks for, or allows. */
  readonly asks: string;
  readonly datagram: "read" | "unreadable";
  readonly stream: "goes on" | "waits" | "closed";
  readonly proxy: "forwards" | "drops" | 400 | 416 | 420 | 483 | 505;
  /** Where we do something else, or less than is allowed: why. */
  readonly ours?: string;
}

type Rest = Omit<Row, "section" | "is" | "asks" | "ours">;
const row = (section: string, is: string, asks: string, rest: Rest, ours?: string): Row =>
  ours === undefined ? { section, is, asks, ...rest } : { section, is, asks, ...rest, ours };
const passes: Rest = { datagram: "read", stream: "goes on", proxy: "forwards" };
const dropped: Rest = { datagram: "read", stream: "goes on", proxy: "drops" };
const bad: Rest = { datagram: "unreadable", stream: "goes on", proxy: 400 };
const answered = (proxy: Row["proxy"]): Rest => ({ datagram: "read", stream: "goes on", proxy });
const WELL = "well formed";

export const TABLE: Readonly<Record<string, Row>> = {
  wsinv: row("3.1.1.1", "folds, white space and odd letters everywhere; 0068 hops", WELL, passes),
  intmeth: row(
    "3.1.1.2",
    "every character that a token may have, and a quoted NUL",
    WELL,
    bad,
    "a NUL ends the text in many programs written in C: two readers would each read another name",
  ),
  esc01: row("3.1.1.3", "escapes in URIs", WELL, passes),
  escnull: row("3.1.1.4", "escaped NULs in user parts", WELL, passes),
  esc02: row("3.1.1.5", "% where nothing is escaped: method, display name, field name", WELL, passes),
  lwsdisp: row("3.1.1.6", "no space between display name and <", WELL, passes),
  longreq: row("3.1.1.7", "very long names and values, 34 Vias", WELL, passes),
  dblreq: row(
    "3.1.1.8",
    "octets behind the body of a datagram that look like a request",
    "the octets are ignored",
    { ...passes, stream: "closed" },
    "on a stream they are the next message, whose own length is wrong",
  ),
  semiuri: row("3.1.1.9", "a semicolon in the user part", WELL, passes),
  transports: row("3.1.1.10", "Vias with known and unknown transports", WELL, passes),
  mpart01: row("3.1.1.11", "a body of several parts, one of them binary with NULs", WELL, passes),
  unreason: row("3.1.1.12", "a reason phrase in Cyrillic", WELL, dropped),
  noreason: row("3.1.1.13", "no reason phrase", WELL, dropped),
  badinv01: row("3.1.2.1", "empty parameters and values in Via and Contact", "400", bad),
  clerr: row("3.1.2.2", "a length of 9999 for 154 octets", "400; a stream may wait", { ...bad, stream: "waits" }),
  ncl: row(
    "3.1.2.3",
    "a negative length",
    "400, and a stream is closed",
    { ...bad, stream: "closed" },
    "on a stream without an answer: nothing that comes after is a message",
  ),
  scalar02: row("3.1.2.4", "numbers out of their ranges in a request", "400 for CSeq", bad),
  scalarlg: row("3.1.2.5", "numbers out of their ranges in a response", "is discarded", { ...bad, proxy: "drops" }),
  quotbal: row("3.1.2.6", "a quote that is not closed", "400", bad),
  ltgtruri: row("3.1.2.7", "a Request-URI in angle brackets", "400", bad),
  lwsruri: row("3.1.2.8", "a space in the Request-URI", "400, or the space is ignored", bad),
  lwsstart: row("3.1.2.9", "two spaces between parts of the start line", "400, or they are ignored", bad),
  trws: row("3.1.2.10", "spaces at the end of the start line", "400, or they are ignored", bad),
  escruri: row("3.1.2.11", "headers in the Request-URI", "400, or passed on without them", passes),
  baddate: row("3.1.2.12", "a Date that is not in GMT", "400, or the field is ignored", passes),
  regbadct: row("3.1.2.13", "a Contact that needs angle brackets", "400, or they are inferred", passes),
  badaspec: row("3.1.2.14", "spaces within angle brackets", "400, or they are ignored", passes),
  baddn: row("3.1.2.15", "a comma in a display name without quotes", "400, or quotes are inferred", bad),
  badvers: row("3.1.2.16", "SIP/7.0", "505", { ...bad, proxy: 505 }),
  mismatch01: row("3.1.2.17", "another known method in CSeq", "400", bad),
  mismatch02: row("3.1.2.18", "an unknown method, and another in CSeq", "400 or 501", bad),
  bigcode: row("3.1.2.19", "a status of ten digits", "is discarded", { ...bad, proxy: "drops" }),
  badbranch: row("3.2.1", "the cookie with no identifier behind it", "does not break", passes),
  insuf: row("3.3.1", "no From, To and Call-ID", "400", bad),
  unkscm: row("3.3.2", "a Request-URI of no known scheme", "416", answered(416)),
  novelsc: row("3.3.3", "a Request-URI of a scheme that is not for SIP", "416", answered(416)),
  unksm2: row("3.3.4", "other schemes in To, From and Contact", "a registrar's 400; others take no notice", passes),
  bext01: row("3.3.5", "Require and Proxy-Require that nobody supports", "a proxy's 420", answered(420)),
  invut: row("3.3.6", "a body of unknown type", "the called side's 415", passes),
  regaut01: row("3.3.7", "unknown authorization scheme", "the registrar's affair", passes),
  multi01: row("3.3.8", "Call-ID, To, From, Max-Forwards and CSeq twice", "400", bad),
  mcl01: row(
    "3.3.9",
    "two lengths that differ",
    "400, and a stream is closed",
    { ...bad, stream: "closed" },
    "on a stream without an answer: nothing that comes after is a message",
  ),
  bcast: row("3.3.10", "a response whose second Via is 255.255.255.255", "must not be sent there", dropped),
  zeromf: row("3.3.11", "no hops left", "483", answered(483)),
  cparam01: row("3.3.12", "a parameter of the Contact", WELL, passes),
  cparam02: row("3.3.13", "a parameter of the Contact's URI", WELL, passes),
  regescrt: row("3.3.14", "headers in the Contact's URI", WELL, passes),
  sdp01: row("3.3.15", "accepts no type of body that anybody has", "the called side's 406", passes),
  inv2543: row(
    "3.3.16",
    "a request of RFC 2543: no length, no tag, no branch",
    "taken",
    { ...passes, stream: "closed" },
    "on a stream the length must be there: RFC 3261 §18.3",
  ),
  "ipv6-good": row("4.1", "IPv6 references", WELL, passes),
  "ipv6-bad": row("4.2", "an IPv6 address without brackets in the Request-URI", "400", answered(400)),
  "port-ambiguous": row("4.3", "a port within the brackets: it is part of the address", WELL, passes),
  "port-unambiguous": row("4.4", "a port behind the brackets", WELL, passes),
  "via-received-param-with-delim": row("4.5", "brackets in received", "is read all the same", passes),
  "via-received-param-no-delim": row("4.5", "no brackets in received", WELL, passes),
  "ipv6-in-sdp": row("4.6", "IPv6 in the session description", WELL, passes),
  "mult-ip-in-header": row("4.7", "IPv4 and IPv6 in the Vias", WELL, passes),
  "mult-ip-in-sdp": row("4.8", "a stream over IPv4 and one over IPv6", WELL, passes),
  "ipv4-mapped-ipv6": row("4.9", "IPv4-mapped addresses", WELL, passes),
  "ipv6-bug-abnf-3-colons": row(
    "4.10",
    "three colons, as the grammar of RFC 3261 has it",
    "may be read as two",
    answered(400),
    "no reader agrees with another on what it means",
  ),
  "ipv6-correct-abnf-2-colons": row("4.10", "the same with two colons", WELL, passes),
};
