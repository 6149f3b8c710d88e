/** `[vap]`: the ViPR servers that this company's agents and importers talk to, and the account there. */
import { endpoint } from "./addresses.ts";
import { flag, key, like, text } from "./key.ts";

export const vapKeys = {
  primary: key(endpoint(), "the ViPR server"),
  backup: key(endpoint(), "a second one, for when the first is away"),
  user: key(text("a name"), "the account at both"),
  "password-file": key(text("the path of a file"), "its password: the first line of that file"),
  "password-env": key(
    like(/^[A-Za-z_][A-Za-z0-9_]*$/, "a name of an environment variable"),
    "... or what that variable holds",
  ),
  tls: key(flag, "whether VAP runs over TLS", true),
  "ca-file": key(text("the path of a PEM file"), "the root of the servers' certificates; they made it as vap-root.pem"),
  overlay: key(text("a name"), "the overlay's name (DHTname), as vipr server says it at its start"),
  vservice: key(like(/^[0-9a-f]{1,16}$/i, "up to 16 hexadecimal digits"), "the VService, when there is more than one"),
} as const;
