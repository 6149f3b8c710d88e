/** `[media]`: which relay stands between the telephones inside and other companies, and where it may be reached. */
import type { PortRange, RelayAddress } from "../../actors/media/mod.ts";
import { ipTextOf } from "../../codecs/shared/mod.ts";
import { endpoint } from "./addresses.ts";
import { flag, type Kind, key, like, list, oneOf, readAs, textThat, whole } from "./key.ts";

const NG_PORT = 2_223;

/** `192.0.2.12`, or `10.0.0.12=192.0.2.12`: ours, and the one by which others reach it. */
export const relayAddress: Kind<RelayAddress> = readAs((text) => {
  const [host, advertise, ...more] = text.split("=").map(ipTextOf);
  if (host === undefined || more.length > 0) return undefined;
  if (!text.includes("=")) return { host };
  return advertise === undefined ? undefined : { host, advertise };
}, 'an IP address, as "192.0.2.12", or "10.0.0.12=192.0.2.12": the own one, and as others reach it');

/** First and last, as the text is written. */
export const rangeOf = (text: string): PortRange | undefined => {
  const [, min, max] = /^([0-9]{1,5})-([0-9]{1,5})$/.exec(text) ?? [];
  const found = { min: Number(min), max: Number(max) };
  return found.min > 0 && found.max <= 65_535 && found.max - found.min >= 3 ? found : undefined;
};

export const mediaKeys = {
  relay: key(
    oneOf("none", "own", "rtpengine"),
    "who relays media; none: telephones must speak SRTP from end to end",
    "none",
  ),
  inside: key(list(relayAddress, 'a list, as ["10.0.0.12"]'), "own: its addresses for telephones, one of a family", []),
  outside: key(
    list(relayAddress, 'a list, as ["192.0.2.12"]'),
    "own: its addresses for other companies, one of a family",
    [],
  ),
  ports: key(
    textThat(
      (text) => rangeOf(text) !== undefined,
      'two ports, the lower first and three apart at least, as "30000-39999"',
    ),
    "own: from which its ports are drawn, four for each stream of a call",
    "30000-39999",
  ),
  "inside-speaks": key(
    oneOf("rtp", "srtp"),
    "what telephones are offered when another company calls; srtp: its own keys, which the relay does not open",
    "rtp",
  ),
  "inside-from-anywhere": key(flag, "own: telephones may send from another host than they say, as behind a NAT", false),
  "outside-private": key(flag, "other companies may have private addresses, as in a shared network", false),
  "calls-max": key(whole(1, 100_000), "calls at once; more are refused", 500),
  rtpengine: key(
    list(endpoint(NG_PORT), 'a list, as ["127.0.0.1:2223"]'),
    "where its NG protocol is, in the order in which they are asked",
    [],
  ),
  interfaces: key(
    list(like(/^[\w.-]{1,64}$/, "a name"), 'two names, as ["inside", "outside"]'),
    "rtpengine's names of its interfaces: the one of telephones, the one of other companies; none where it has one",
    [],
  ),
} as const;
