/**
 * The check of a ticket, for whoever asks with the texts of its own: a person, a SIP proxy's script.
 * docs/protocol/ticket.md#the-check.
 */
import { Effect } from "effect";
import { epochKey } from "../../actors/ticket/mod.ts";
import type { E164 } from "../../codecs/shared/mod.ts";
import { numberOf, parseUri, sipUri } from "../../codecs/sip/mod.ts";
import { normalDomain, readTicket } from "../../codecs/ticket/mod.ts";
import { wireErrorText } from "../../codecs/wire/mod.ts";
import { checkTicket, type EpochSeal, type MakeSeal } from "../../machines/ticket/mod.ts";
import type { CheckQuestion, CheckVerdict } from "../ticket-service.ts";
import type { TicketSecrets } from "./ticket-secrets.ts";

/** The epochs of each domain, their keys derived. */
export type DomainSeals = ReadonlyMap<string, ReadonlyArray<EpochSeal>>;

/** Takes a tenth of a second for each secret. */
export const sealsOf = Effect.fn("ticket.seals")(function* (secrets: TicketSecrets, makeSeal: MakeSeal) {
  const derive = yield* epochKey;
  const seals = new Map<string, ReadonlyArray<EpochSeal>>();
  for (const [domain, all] of secrets) {
    const one = (secret: (typeof all)[number]) =>
      Effect.map(derive(secret), (key) => ({ epoch: secret.epoch, seal: makeSeal(key) }));
    seals.set(domain, yield* Effect.forEach(all, one));
  }
  return seals as DomainSeals;
});

/** The number as a URI, the user part of one, or itself. */
export interface Question extends CheckQuestion {
  readonly atMs: number;
}

export const check = (seals: DomainSeals, { ticket, number, domains, atMs }: Question): CheckVerdict => {
  const read = ticket === undefined ? undefined : readTicket(ticket);
  // A ticket of a domain that is none of ours was sealed by none of our secrets.
  const epochs = read?.ok ? (seals.get(read.ticket.grantingDomain) ?? []) : [];
  const shown = domains.flatMap((domain) => normalDomain(domain) ?? []);
  const verdict = checkTicket(epochs, { ticket, number: numberIn(number), domains: shown, atMs });
  return read === undefined || read.ok ? verdict : { ...verdict, detail: wireErrorText(read.error) };
};

/** A + and digits; visual separators and parameters do not count, digits without + are no number. */
export const numberIn = (text: string): E164 | undefined => {
  const isUri = /^(?:sips?|tel):/i.test(text);
  if (!isUri) return numberOf(sipUri({ host: "h", user: text.split("@", 1)[0]! }));
  const uri = parseUri(text);
  return uri.ok ? numberOf(uri.value) : undefined;
};
