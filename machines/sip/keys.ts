/** How messages find the transaction that they belong to. RFC 3261 §17.1.3 and §17.2.3. Functions only. */
import { keyText } from "../../codecs/shared/mod.ts";
import {
  branchOf,
  cseqOf,
  headerOf,
  MAGIC_BRANCH,
  printHostPort,
  type SipMessage,
  type SipRequest,
  tagOf,
  topViaOf,
} from "../../codecs/sip/mod.ts";

/** RFC 3261 §17.1.3: the branch and the method of CSeq. */
export const clientKeyOf = (message: SipMessage): string => keyText(branchOf(message) ?? "", cseqOf(message).method);

/**
 * RFC 3261 §17.2.3: the branch, sent-by and method; and the peer, so that one cannot speak for another. A Via without the
 * cookie, or with nothing behind it (RFC 4475 §3.2.1), is of an RFC 2543 client and names no transaction: there it is what its
 * requests of one transaction share. The To tag is not among that, for the ACK has the one that we gave.
 */
export const serverKeyOf = (who: string, request: SipRequest, method: string): string => {
  const via = topViaOf(request);
  const sentBy = via === undefined ? "" : printHostPort(via.host, via.port);
  const branch = branchOf(request);
  if (branch?.startsWith(MAGIC_BRANCH) && branch.length > MAGIC_BRANCH.length)
    return keyText(who, branch, sentBy, method);
  const call = `${headerOf(request, "Call-ID")} ${tagOf(request, "From")} ${cseqOf(request).number}`;
  return keyText(who, "2543", branch ?? "", sentBy, request.uri, call, method);
};
