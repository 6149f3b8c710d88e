/** What a server stores of a user, and what it simulates for an unknown one. RFC 5054 §2.4, §2.5.1.3. */
import { utf8 } from "../../codecs/shared/mod.ts";
import type { SrpGroup } from "../../codecs/tls/mod.ts";
import { privateKeyOf, saltFor, simulatedPassword, simulatedVerifier } from "./srp.ts";

/**
 * Without a salt of its own, a password's salt is made from the name and the server's `seedKey`. A stored salt should be
 * made by `saltFrom`, as those of unknown users are.
 */
export type SrpCredential =
  | { readonly type: "password"; readonly password: string; readonly salt?: Uint8Array }
  | { readonly type: "verifier"; readonly verifier: bigint; readonly salt: Uint8Array };

/** A verifier, or the private key whose power it is. */
export type Secret =
  | { readonly salt: Uint8Array; readonly verifier: bigint }
  | { readonly salt: Uint8Array; readonly privateKey: bigint };

/** `credential` undefined: an unknown user, for whom the same secret is simulated each time. */
export const secretOf = (
  credential: SrpCredential | undefined,
  userName: Uint8Array,
  storedAs: SrpCredential["type"],
  seedKey: Uint8Array,
  group: SrpGroup,
): Secret => {
  const salt = credential?.salt ?? saltFor(seedKey, userName);
  if (credential?.type === "verifier") return { salt, verifier: credential.verifier };
  if (credential === undefined && storedAs === "verifier")
    return { salt, verifier: simulatedVerifier(seedKey, userName, group) };
  const password = credential === undefined ? simulatedPassword(seedKey, userName) : utf8(credential.password);
  return { salt, privateKey: privateKeyOf(salt, userName, password) };
};
