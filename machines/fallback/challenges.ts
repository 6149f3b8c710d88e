/**
 * A trunk that asks who we are: what was asked of it goes out once more, with credentials; what follows in the dialog brings them
 * along. RFC 3261 §22.2 and §22.3. DECISIONS.md D-255.
 *
 *   INVITE, BYE --> 401, 407: of a realm that we have credentials for? -- yes, and not with these before --> again, CSeq + 1
 *                                                                      -- no --> it is refused
 */
import { authorizationOf, challengeIn, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import type { Ids } from "../proxy/mod.ts";
import type { FallbackLeg } from "./leg.ts";
import type { TrunkCredentials } from "./types.ts";

/** Of one call: the first, and nonces that grew old. */
const CHALLENGES_MAX = 4;

export class Challenges {
  private readonly credentials: ReadonlyArray<TrunkCredentials>;
  private readonly ids: Ids;
  constructor(credentials: ReadonlyArray<TrunkCredentials>, ids: Ids) {
    this.credentials = credentials;
    this.ids = ids;
  }

  /** Whether the request that this answers is to be sent again. */
  takes(leg: FallbackLeg, response: SipResponse): boolean {
    const challenge = challengeIn(response);
    if (challenge === undefined || this.credentialsOf(challenge.realm) === undefined) return false;
    // Asked again for the same nonce: who we are is known, and not welcome.
    if (challenge.nonce === leg.challenge?.nonce || leg.challenges >= CHALLENGES_MAX) return false;
    leg.challenge = challenge;
    leg.challenges += 1;
    leg.answered = 0;
    return true;
  }

  /** With credentials, where the trunk has asked for them. */
  signed(leg: FallbackLeg, request: SipRequest): SipRequest {
    const { challenge } = leg;
    const credentials = challenge && this.credentialsOf(challenge.realm);
    if (challenge === undefined || credentials === undefined) return request;
    leg.answered += 1;
    const given = { cnonce: this.ids.tag(), count: leg.answered };
    return { ...request, headers: [...request.headers, authorizationOf(challenge, credentials, request, given)] };
  }

  private credentialsOf(realm: string): TrunkCredentials | undefined {
    const { credentials } = this;
    return credentials.find((one) => one.realm === realm) ?? credentials.find((one) => one.realm === undefined);
  }
}
