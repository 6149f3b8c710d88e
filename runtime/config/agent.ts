/** `[agent]`: the SIP proxy between exchange and trunks. */
import { endpoint, loopback, sipAddress } from "./addresses.ts";
import { key, list, oneOf, text, whole } from "./key.ts";

const addresses = 'a list, as ["udp:192.0.2.10:5060"]';

export const agentKeys = {
  listen: key(list(sipAddress, addresses), "where exchange and trunks reach it", []),
  pbx: key(list(sipAddress, addresses), "the exchange: calls from there are outgoing, calls from trunks go there", []),
  border: key(endpoint(5061), "the border element, over which calls leave for the Internet"),
  public: key(
    endpoint(5061),
    "the border element as other companies reach it: what is published as our route. Without it no number is published",
  ),
  "secured-by": key(
    oneOf("phones", "border"),
    "who encrypts the sound of calls over the Internet: the telephones, or the border element's media relay",
    "phones",
  ),
  "attempt-timeout-ms": key(
    whole(100, 60_000),
    "how long a call over the Internet may stay without a sign before the trunk gets it",
    2_000,
  ),
  data: key(text("the path of a directory"), "where routes, calls under way and what is to be uploaded are kept"),
  admin: key(
    loopback,
    "where vipr calls asks it, on this machine alone; a free port of 127.0.0.1 without it, which its directory knows",
  ),
  "ca-file": key(text("the path of a PEM file"), "roots of the certificates that exchange and trunks show over TLS"),
  "certificate-file": key(text("the path of a PEM file"), "its certificate for TLS"),
  "key-file": key(text("the path of a PEM file"), "the key of that certificate"),
} as const;
