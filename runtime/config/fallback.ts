/** `[fallback]`: calls over the Internet whose sound is bad go on over the telephone network. docs/protocol/media.md#fallback */
import { endpoint } from "./addresses.ts";
import { flag, key, list, text, whole } from "./key.ts";
import { relayAddress } from "./media.ts";

export const fallbackKeys = {
  enabled: key(flag, 'whether they do; with media.relay = "own"', false),
  "hold-down-s": key(whole(1, 360), "how long the sound is bad, without a good moment, before the call is moved", 20),
  "match-digits": key(
    whole(4, 15),
    "how many last digits of the caller's number must be the same for a call from a trunk to continue one",
    5,
  ),
  "answer-timeout-ms": key(
    whole(1_000, 60_000),
    "how long the other side may take to answer over the telephone network; then the call stays as it is",
    6_000,
  ),
  addresses: key(
    list(relayAddress, 'a list, as ["192.0.2.12"]'),
    "the relay's addresses for trunks, one of a family; media.inside without it",
    [],
  ),
  control: key(
    endpoint(),
    "vipr agent and vipr border by themselves: where the border element's relay takes the agent's orders; an address of this machine",
  ),
  "control-token-file": key(text("the path of a file"), "by which it knows the agent: the first line of that file"),
} as const;
