/** Hosts the admission of one INVITE: asks the ticket checker, and says what became of it. */
import { Deferred, Effect } from "effect";
import type { SipRequest } from "../../codecs/sip/mod.ts";
import {
  type BorderAction,
  type BorderEvent,
  type BorderRefusal,
  borderAdmission,
  type OnReject,
} from "../../machines/sip/mod.ts";
import { drive, mailbox } from "../kit/mod.ts";
import type { TicketChecker } from "../ticket/mod.ts";

/** `respond`: what to answer a refused call with; undefined: nothing. */
export type Admission =
  | { readonly type: "admitted"; readonly domain: string; readonly ticketId: string }
  | { readonly type: "refused"; readonly why: BorderRefusal; readonly respond: number | undefined };

export const admit = Effect.fn("sip.admit")(function* (
  invite: SipRequest,
  domains: ReadonlyArray<string>,
  onReject: OnReject,
  checker: TicketChecker,
) {
  const box = yield* mailbox<BorderEvent>(4);
  const outcome = yield* Deferred.make<Admission>();
  let respond: number | undefined;
  const perform = (action: BorderAction) => {
    switch (action.type) {
      case "check": {
        const { ticket, number, domains } = action;
        const told = Effect.flatMap(checker.check({ ticket, number, domains }), (verdict) =>
          box.tell({ type: "verdict", verdict }),
        );
        return Effect.asVoid(Effect.forkScoped(told));
      }
      case "pass":
        return Effect.asVoid(
          Deferred.succeed(outcome, { type: "admitted", domain: action.domain, ticketId: action.ticketId }),
        );
      case "respond":
        return Effect.sync(() => {
          respond = action.status;
        });
      case "discard":
        return Effect.asVoid(Deferred.succeed(outcome, { type: "refused", why: action.why, respond }));
      case "note":
        return Effect.logDebug("sip.unexpected", action.unexpected);
    }
  };
  yield* drive(borderAdmission, { invite, domains, onReject }, box, perform);
  return yield* Deferred.await(outcome);
}, Effect.scoped);
