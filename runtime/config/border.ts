/** `[border]`: the border element, between the company's own SIP network and other companies'. */
import { endpoint, loopback, sipAddress } from "./addresses.ts";
import { flag, key, list, oneOf, text, whole } from "./key.ts";

const addresses = 'a list, as ["tcp:127.0.0.1:5064"]';

export const borderKeys = {
  outside: key(
    endpoint(5061),
    "where other companies' border elements reach it, over TLS with certificates on both sides",
  ),
  inside: key(
    list(sipAddress, addresses),
    "where the call agent reaches it; tcp:127.0.0.1:5064 without it. agent.border names the same",
    [],
  ),
  "call-agents": key(
    list(sipAddress, addresses),
    "whom calls from outside go to, in this order; agent.listen without it",
    [],
  ),
  "certificate-file": key(text("the path of a PEM file"), "its certificate, which proves the domain (RFC 5922)"),
  "key-file": key(text("the path of a PEM file"), "the key of that certificate"),
  "ca-file": key(text("the path of a PEM file"), "roots of other companies' certificates"),
  "secrets-file": key(
    text("the path of a file"),
    "what vipr server domain-secret prints, one epoch after another: by these tickets are checked",
  ),
  "on-reject": key(
    oneOf("silence", "403"),
    "what a call without a good ticket gets: no answer at all, or 403",
    "silence",
  ),
  "hide-call-ids": key(flag, "whether other companies are shown other Call-IDs than the exchange's", false),
  "outside-private": key(
    flag,
    "other companies may have private addresses, as in a shared network; else nobody has it connect there",
    false,
  ),
  "domain-calls-max": key(whole(1, 100_000), "calls at once with one domain; more are refused", 500),
  "domain-calls-per-second-max": key(whole(1, 10_000), "new calls a second of one domain, over a few seconds", 50),
  "domain-connections-max": key(whole(1, 1_000), "connections at once that one domain opens", 32),
  "calls-max": key(whole(1, 1_000_000), "calls at once with all domains", 10_000),
  "body-bytes-max": key(whole(1_024, 1_048_576), "of the body of a message from outside", 16_384),
  "message-bytes-max": key(
    whole(2_048, 1_048_576),
    "of a whole message from outside; one that is longer loses the connection",
    65_536,
  ),
  admin: key(
    loopback,
    "where vipr calls asks it, on this machine alone; a free port of 127.0.0.1 without it, which its directory knows",
  ),
} as const;
