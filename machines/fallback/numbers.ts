/**
 * Who calls whom, as both ends of a call over SIP and the telephone network between them write it. A caller is told by last
 * digits, since each writes prefixes of its own; the number that is called is one text. Functions only.
 */
import { type DialPlan, readNumber } from "../../codecs/numbers/mod.ts";
import {
  headerOf,
  listOf,
  numberOf,
  parseNameAddr,
  requestUriOf,
  type SipRequest,
  type Uri,
} from "../../codecs/sip/mod.ts";
import { isSameCaller } from "./known.ts";
import type { FallbackOptions } from "./types.ts";

/** By the company's own plan. */
export const numbersBy =
  (plan: DialPlan, digits: number): FallbackOptions["numbers"] =>
  (invite, from) => {
    const uri = requestUriOf(invite);
    if (from === "pbx") return { calling: shownCaller(invite, digits), called: undefined };
    // Over SIP the other side has seen From alone.
    if (from === "border") return { calling: claimed(invite), called: uri.ok ? numberOf(uri.value) : undefined };
    const { trunk } = from;
    const called = readNumber(plan, invite.uri, { source: "calledFromTrunk", trunk }).number;
    return { calling: asserted(invite) || claimed(invite), called };
  };

/** By whom the other side may know the call again: what From says there, if the telephone network will show the same. */
const shownCaller = (invite: SipRequest, digits: number): string => {
  const [from, network] = [claimed(invite), asserted(invite)];
  const isSame = network === "" || isSameCaller(from, network, digits);
  return isWithheld(invite) || !isSame ? "" : from;
};

/** RFC 3323 §4.2: the network is asked to show nobody. */
const isWithheld = (invite: SipRequest): boolean =>
  /\b(?:id|user|header|full)\b/i.test(headerOf(invite, "Privacy") ?? "");

/** RFC 3325 §9, and RFC 3261 §8.1.1.3. */
const asserted = (invite: SipRequest): string => digitsOf(listOf(invite, "P-Asserted-Identity"));
const claimed = (invite: SipRequest): string => digitsOf([headerOf(invite, "From") ?? ""]);

const digitsOf = (texts: ReadonlyArray<string>): string => {
  for (const text of texts) {
    const address = parseNameAddr("From", text);
    const digits = address.ok ? digitsIn(address.value.uri) : "";
    if (digits !== "") return digits;
  }
  return "";
};

const digitsIn = (uri: Uri): string => {
  const text = uri.type === "sip" ? (uri.user ?? "") : uri.type === "tel" ? uri.number : "";
  // +1 408 555-0201;phone-context=..., and no word that has a digit in it.
  const [number = ""] = text.split(";");
  return /^[+]?[0-9().\- ]+$/.test(number) ? number.replace(/[^0-9]/g, "") : "";
};
