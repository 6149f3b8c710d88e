/** The error of TLS-SRP. `reason` is for code, `why` for people. */
import { Data } from "effect";
import type { TlsOutcome } from "../../machines/tls/mod.ts";

/**
 * `wrongPassword`: either side sent bad_record_mac, which in an SRP handshake means a wrong password or an unknown user.
 * `refused`: we sent another alert. `alerted`: the peer sent one. The rest as in `TlsOutcome`.
 */
export type HandshakeFailure = TlsOutcome["type"] | "wrongPassword";

/** The handshake did not lead to a session. */
export class HandshakeFailed extends Data.TaggedError("HandshakeFailed")<{
  readonly reason: HandshakeFailure;
  readonly outcome: TlsOutcome;
  /** One line for a log, without secrets. */
  readonly why: string;
}> {}

export const handshakeFailed = (outcome: TlsOutcome): HandshakeFailed =>
  new HandshakeFailed({
    reason: isWrongPassword(outcome) ? "wrongPassword" : outcome.type,
    outcome,
    why: whyOf(outcome),
  });

const isWrongPassword = (outcome: TlsOutcome): boolean =>
  (outcome.type === "refused" || outcome.type === "alerted") && outcome.alert === "badRecordMac";

/** One line for a log. */
export const whyOf = (outcome: TlsOutcome): string => {
  switch (outcome.type) {
    case "closed":
      return "closed";
    case "refused":
      return `we refused: ${outcome.why} (${outcome.alert})`;
    case "alerted":
      return `the peer sent ${outcome.alert}`;
    case "lost":
      return `lost: ${outcome.why}`;
    case "timedOut":
      return "the handshake took too long";
  }
};
