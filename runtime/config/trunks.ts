/** `[[trunk]]`: one for each way to the telephone network, as records name it and as SIP reaches it. */
import { ipTextOf } from "../../codecs/shared/mod.ts";
import { key, like, list, map, oneOf, text, textThat, whole } from "./key.ts";

const HOST = /^[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9.])?$/i;
/** No name ends in digits alone: what looks so is an address with a mistake in it. RFC 1123 §2.1. */
const ENDS_IN_DIGITS = /(?:^|\.)[0-9]+\.?$/;

/** Its port and its transport are keys of their own. */
const host = textThat(
  (name) => ipTextOf(name) !== undefined || (HOST.test(name) && !ENDS_IN_DIGITS.test(name)),
  'a host without scheme and port, as "sip.carrier.example" or "192.0.2.1"',
);

export const trunkKeys = {
  name: key(
    like(/^[A-Za-z0-9_.-]{1,64}$/, 'letters, digits, _ . -, as "trunk1"'),
    "its name; each trunk needs one of its own",
  ),
  channels: key(
    list(text("how a channel's name begins"), 'a list, as ["PJSIP/trunk1"]'),
    "how records name its channels: what stands before the last hyphen",
    [],
  ),
  plus: key(
    oneOf("always", "never", "omitted-by-some"),
    "whether it writes the + of international numbers: never: all its digits are international; omitted-by-some: digits longer than the country's own are",
    "always" as const,
  ),
  national: key(
    oneOf("prefixed", "bare"),
    "whether national numbers have the country's prefix (0, 1, 8, 06) on it",
    "prefixed" as const,
  ),
  "digits-to-number": key(
    map(text("the digits before them, as +1408555"), 'a table, as { "4" = "+1408555" }'),
    "of a trunk that delivers short numbers: how many digits, and what stands before them",
    {},
  ),
  host: key(host, "the carrier's SIP server; a name without a port is found by NAPTR and SRV, RFC 3263"),
  port: key(whole(1, 65_535), "its port; none: what SRV says, or 5060, and 5061 for TLS"),
  transport: key(oneOf("udp", "tcp", "tls"), "how it is reached; none: what NAPTR or SRV say, or udp"),
  tls: key(
    oneOf("mutual", "server"),
    "who shows a certificate over TLS: both, or the carrier alone, whose name host it must prove",
    "mutual" as const,
  ),
  "ca-file": key(
    text("the path of a PEM file"),
    'with tls = "server": the roots of its certificate; those of the system without it',
  ),
  user: key(
    like(/^[^"\\\p{Cc}]{1,128}$/u, 'a name without quotes and backslashes, as "acme"'),
    "who we are there, for calls that [fallback] moves; other calls bring the PBX's own credentials",
  ),
  "password-file": key(text("the path of a file"), "the password of user: the first line of that file"),
  realm: key(
    like(/^[^"\\\p{Cc}]{1,255}$/u, 'a realm, as "carrier.example"'),
    "what it calls itself when it asks for a password; none: whatever it is",
  ),
} as const;
