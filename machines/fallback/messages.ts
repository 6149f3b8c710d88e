/**
 * What is said to the telephone network when a call is taken there. RFC 3261 §8.1.1, §13.3.1.4.
 * docs/protocol/media.md#fallback. Functions only.
 */
import {
  fieldsOf,
  type Header,
  headerOf,
  printHostPort,
  printSdp,
  printVia,
  responseTo,
  type Sdp,
  type SipRequest,
  type SipResponse,
  textBody,
} from "../../codecs/sip/mod.ts";

export interface SipPlace {
  readonly host: string;
  readonly port: number;
}

/** Who calls, in each of the ways in which a PBX says so: the telephone network shows the same caller as before. */
const IDENTITY = ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy"];
const ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO";

export interface InviteParts {
  readonly branch: string;
  readonly tag: string;
  readonly callId: string;
  readonly sdp: Sdp;
  /** Another one for a call that is sent again with credentials. RFC 3261 §22.2. */
  readonly cseq: number;
}

export const contactAt = ({ host, port }: SipPlace): Header => ({
  name: "Contact",
  value: `<sip:fallback@${printHostPort(host, port)}>`,
});

/**
 * The call of the PBX once more, with our sound. The number is the one that was called, and in the form in which the PBX
 * writes it for this trunk; nobody else may name another. DECISIONS.md D-170.
 */
export const inviteAgain = (
  invite: SipRequest,
  at: SipPlace,
  { branch, tag, callId, sdp, cseq }: InviteParts,
): SipRequest => ({
  type: "request",
  method: "INVITE",
  uri: invite.uri,
  headers: [
    { name: "Via", value: printVia({ transport: "UDP", ...at, params: [{ name: "branch", value: branch }] }) },
    { name: "Max-Forwards", value: "70" },
    { name: "From", value: `${untagged(headerOf(invite, "From") ?? "")};tag=${tag}` },
    { name: "To", value: untagged(headerOf(invite, "To") ?? "") },
    { name: "Call-ID", value: callId },
    { name: "CSeq", value: `${cseq} INVITE` },
    contactAt(at),
    { name: "Allow", value: ALLOW },
    ...IDENTITY.flatMap((name) => fieldsOf(invite, name)),
    { name: "Content-Type", value: "application/sdp" },
  ],
  body: textBody(printSdp(sdp)),
});

/** Behind the address: what stands in quotes may look like a tag. */
const untagged = (value: string): string => {
  const at = value.lastIndexOf(">") + 1;
  return value.slice(0, at) + value.slice(at).replace(/;\s*tag\s*=\s*[^;]*/gi, "");
};

/** Of an INVITE: with the description, where there is one. */
export const answerWith = (
  request: SipRequest,
  status: number,
  tag: string,
  at: SipPlace,
  sdp: Sdp | undefined,
): SipResponse =>
  status !== 200
    ? responseTo(request, status, { toTag: tag })
    : responseTo(request, 200, {
        toTag: tag,
        headers: [
          contactAt(at),
          { name: "Allow", value: ALLOW },
          ...(sdp === undefined ? [] : [{ name: "Content-Type", value: "application/sdp" }]),
        ],
        ...(sdp === undefined ? {} : { body: textBody(printSdp(sdp)) }),
      });
