/** `[route]`: the decision service, for those who keep their own proxy. */
import { endpoint, sipAddress } from "./addresses.ts";
import { key, list, text } from "./key.ts";

export const routeKeys = {
  listen: key(endpoint(), "where it answers; an address of this machine"),
  redirect: key(
    list(sipAddress, 'a list, as ["udp:127.0.0.1:5066"]'),
    "where it answers INVITEs with 302 or 404; over UDP or TCP, for neighbours that may ask",
    [],
  ),
  "token-file": key(text("the path of a file"), "the token that is asked for: the first line of that file"),
} as const;
