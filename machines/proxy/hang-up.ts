/**
 * ACK and BYE by which a proxy ends a dialog that must not begin, as its caller would: an offer that came with the answer is
 * refused, stream by stream. RFC 3261 §13.2.2.4. A function.
 */
import {
  dialogOfCaller,
  listOf,
  parseNameAddr,
  refusalOf,
  requestIn,
  type SipRequest,
  type SipResponse,
  tagOf,
  type Via,
  withSession,
} from "../../codecs/sip/mod.ts";
import { descriptionIn } from "../sip/mod.ts";
import type { OwnAddresses } from "./addresses.ts";
import type { Transport } from "./types.ts";

/** `sent`: the request as it went on, with our Via. Undefined: the answer does not say where to. */
export const hangUpOf = (
  sent: SipRequest,
  answer: SipResponse,
  own: OwnAddresses<any>,
  { transport, host, port }: Via,
  [ackBranch, byeBranch]: readonly [string, string],
): { readonly ack: SipRequest | undefined; readonly bye: SipRequest } | undefined => {
  const dialog = dialogOfCaller(sent, answer);
  if (dialog === undefined) return undefined;
  // Within a dialog the way is the request's, and its answer need not record it again. RFC 3261 §12.2.1.
  const routes = tagOf(sent, "To") === undefined ? beyondUs(dialog.routes, own) : listOf(sent, "Route");
  const by = { transport: transport as Transport, host, port: port ?? 5_060 };
  const made = (method: "ACK" | "BYE", branch: string) => requestIn({ ...dialog, routes }, method, by, branch);
  if (sent.method !== "INVITE") return { ack: undefined, bye: made("BYE", byeBranch) };
  const ack = made("ACK", ackBranch);
  const offer = descriptionIn(sent).type === "none" ? descriptionIn(answer) : undefined;
  return { ack: offer?.type === "sdp" ? withSession(ack, refusalOf(offer.sdp)) : ack, bye: made("BYE", byeBranch) };
};

/** From the caller's first hop to the called one's last: ours lie between those behind us and those before us. */
export const beyondUs = (routes: ReadonlyArray<string>, own: OwnAddresses<any>): ReadonlyArray<string> => {
  const isOurs = (text: string) => {
    const route = parseNameAddr("Record-Route", text);
    return route.ok && own.of(route.value.uri) >= 0;
  };
  return routes.slice(routes.findLastIndex(isOurs) + 1);
};
