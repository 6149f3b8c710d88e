/** The SIP side of a call that we place: what is sent, and the machine's words for what comes back. */
import { Effect } from "effect";
import type { E164 } from "../../codecs/shared/mod.ts";
import {
  type Dialog,
  dialogOfCaller,
  hostOf,
  inviteOf,
  offerOf,
  printSdp,
  type SipRequest,
  type SipResponse,
  textBody,
} from "../../codecs/sip/mod.ts";
import { type CallEvent, mediaVerdictOf, routeOf } from "../../machines/sip/mod.ts";
import type { Entropy } from "../ports/mod.ts";
import type { ClientTold, ClientTransaction } from "./client-transaction.ts";
import type { Legs } from "./legs.ts";
import { mediaEnd } from "./media-end.ts";
import { newBranch, newTag, type Place, sendAck, sendBye, toBorder } from "./within.ts";

export interface Inviting extends Place {
  readonly legs: Legs;
  readonly domain: string;
  /** Runs in the agent's scope what nobody waits for. */
  readonly apart: (work: Effect.Effect<void, never, Entropy>) => Effect.Effect<void>;
}

export interface Invitation {
  readonly send: (uri: string, ticket: string) => Effect.Effect<void, never, Entropy>;
  readonly giveUp: Effect.Effect<void>;
  readonly ack: (response: SipResponse) => Effect.Effect<void, never, Entropy>;
  readonly bye: (response: SipResponse) => Effect.Effect<void, never, Entropy>;
  /** Nothing within this call is heard any more. */
  readonly forget: () => void;
}

export const makeInvitation = (
  from: Inviting,
  numbers: { readonly calling: E164 | undefined; readonly called: E164 },
  tell: (event: CallEvent) => Effect.Effect<void>,
): Invitation => {
  let transaction: ClientTransaction = { giveUp: Effect.void };
  let invite: SipRequest | undefined;
  let answer: SipResponse | undefined;

  const onTold = (told: ClientTold) => {
    if (told.type !== "received" || told.response.status < 200 || told.response.status >= 300)
      return tell(eventOf(told));
    const { response } = told;
    // No call over SIP: it is ended at once, and the machine takes the next way. RFC 4568 §5.1.3.
    if (invite !== undefined && mediaVerdictOf(invite, response, false).type !== "passes")
      return Effect.andThen(from.apart(endUnsecured(from, dialogBy(response))), tell(NOT_SECURED));
    answer = response;
    from.legs.add(answer, { acked: Effect.void, hungUp: tell({ type: "hungUp" }) });
    return tell(eventOf(told));
  };
  const send: Invitation["send"] = (uri, ticket) =>
    Effect.gen(function* () {
      const flow = yield* toBorder(from);
      const body = textBody(printSdp(offerOf(yield* mediaEnd(from.by.host))));
      const [branch, tag, callId] = [yield* newBranch, yield* newTag, yield* newTag];
      const { domain, by } = from;
      const names = { ...numbers, host: hostOf(uri) ?? domain, domain, by };
      invite = inviteOf({ ...names, branch, tag, callId, route: routeOf(uri), ticket, body });
      transaction = yield* from.endpoint.ask(flow, invite, onTold);
    }).pipe(Effect.catchTag("DialFailed", ({ why }) => tell({ type: "lost", why })));
  const dialogBy = (response: SipResponse) => invite && dialogOfCaller(invite, response);
  return {
    send,
    giveUp: Effect.suspend(() => transaction.giveUp),
    ack: (response) => sendAck(from, dialogBy(response)),
    bye: (response) => sendBye(from, dialogBy(response), tell({ type: "byeDone" })),
    forget: () => {
      if (answer !== undefined) from.legs.remove(answer);
    },
  };
};

const NOT_SECURED: CallEvent = { type: "lost", why: "the answer was not secured" };

const endUnsecured = (from: Inviting, dialog: Dialog | undefined) =>
  Effect.andThen(sendAck(from, dialog), sendBye(from, dialog, Effect.void));

const eventOf = (told: ClientTold): CallEvent => {
  if (told.type === "failed") return { type: "lost", why: told.why };
  const { response } = told;
  if (response.status < 200) return { type: "progress", status: response.status };
  return response.status < 300 ? { type: "answered", response } : { type: "refused", status: response.status };
};
