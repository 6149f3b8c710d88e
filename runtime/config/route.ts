/** `[route]`: the decision service, for those who keep their own proxy. */
import { endpoint } from "./addresses.ts";
import { key, text } from "./key.ts";

export const routeKeys = {
  listen: key(endpoint(), "where it answers; an address of this machine"),
  "token-file": key(text("the path of a file"), "the token that is asked for: the first line of that file"),
} as const;
