/**
 * Admission of one INVITE that came from outside. ViPR overview §6.3 and §8.4; docs/protocol/ticket.md#the-check and
 * docs/protocol/sip.md#the-border-element.
 *
 *    o -- check --> checking -- verdict: admit, secured --> pass -----> admitted
 *                      |------- verdict: admit, unsecured -> respond 488 -> refused
 *                      +------- verdict: refuse --> nothing, or 403 ----> refused      count the reason either way
 *
 * A caller without a good ticket learns nothing, not even that somebody is here: no answer is the rule.
 */
import { setup } from "xstate";
import type { E164 } from "../../codecs/shared/mod.ts";
import { headerOf, isSecured, numberOf, parseSdp, parseUri, type SipRequest, ticketOf } from "../../codecs/sip/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";
import type { TicketFault, TicketVerdict } from "../ticket/mod.ts";

export type OnReject = "silence" | "403";

export interface BorderInput {
  readonly invite: SipRequest;
  /** The domains that the TLS peer's certificate proves. */
  readonly domains: ReadonlyArray<string>;
  readonly onReject: OnReject;
}

export type BorderEvent = { readonly type: "verdict"; readonly verdict: TicketVerdict };

export type BorderAction =
  | {
      readonly type: "check";
      readonly ticket: string | undefined;
      readonly number: E164 | undefined;
      readonly domains: ReadonlyArray<string>;
    }
  | { readonly type: "pass"; readonly domain: string; readonly ticketId: string }
  | { readonly type: "respond"; readonly status: number }
  | { readonly type: "discard"; readonly why: BorderRefusal }
  | { readonly type: "note"; readonly unexpected: string };

/** Why a call was not let in. */
export type BorderRefusal = TicketFault | "notSecured" | "tooManyHops" | "unknownExtension";

type Verdict = Extract<BorderEvent, { readonly type: "verdict" }>;

export const borderAdmission = machineOf<BorderAction>()(
  setup({
    types: { input: {} as BorderInput, context: {} as BorderInput, events: {} as BorderEvent },
    actions: declared<BorderAction>({ check: true, pass: true, respond: true, discard: true, note: true }),
  }).createMachine({
    id: "borderAdmission",
    context: ({ input }) => input,
    initial: "checking",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      checking: {
        entry: {
          type: "check",
          params: ({ context: { invite, domains } }) => ({
            ticket: ticketOf(invite),
            number: numberIn(invite),
            domains,
          }),
        },
        on: {
          verdict: [
            { guard: ({ event }) => event.verdict.type === "refuse", target: "refused", actions: decide(turnAway) },
            {
              guard: ({ context }) => faultOf(context.invite) !== undefined,
              target: "refused",
              actions: decide(explain),
            },
            { target: "admitted", actions: decide(letIn) },
          ],
        },
      },
      admitted: { type: "final" },
      refused: { type: "final" },
    },
  }),
);

/** The number that a request calls, if it calls one. */
export const numberIn = (request: SipRequest): E164 | undefined => {
  const uri = parseUri(request.uri);
  return uri.ok ? numberOf(uri.value) : undefined;
};

/** True when the request brings an offer of secured media. An offer that comes later, or none, is not one. */
export const offersSecured = (request: SipRequest): boolean => {
  if (!/^application\/sdp\b/i.test(headerOf(request, "Content-Type") ?? "")) return false;
  const sdp = parseSdp(new TextDecoder().decode(request.body));
  return sdp.ok && isSecured(sdp.value);
};

/** What a proxy must refuse before it passes a request on. RFC 3261 §16.3. */
export const faultOf = (request: SipRequest): { readonly status: number; readonly why: BorderRefusal } | undefined => {
  if (headerOf(request, "Max-Forwards") === "0") return { status: 483, why: "tooManyHops" };
  if (headerOf(request, "Proxy-Require") !== undefined) return { status: 420, why: "unknownExtension" };
  if (request.method === "INVITE" && !offersSecured(request)) return { status: 488, why: "notSecured" };
  return undefined;
};

function turnAway({ onReject }: BorderInput, { verdict }: Verdict) {
  const why = verdict.type === "refuse" ? verdict.why : "malformed";
  const discard = { type: "discard" as const, why };
  return { actions: onReject === "403" ? [{ type: "respond" as const, status: 403 }, discard] : [discard] };
}

/** Its ticket is good: such a caller may know what is wrong. */
function explain({ invite }: BorderInput) {
  const { status, why } = faultOf(invite)!;
  return {
    actions: [
      { type: "respond" as const, status },
      { type: "discard" as const, why },
    ],
  };
}

function letIn(_: BorderInput, { verdict }: Verdict) {
  return verdict.type === "admit"
    ? { actions: [{ type: "pass" as const, domain: verdict.domain, ticketId: verdict.ticketId }] }
    : {};
}
