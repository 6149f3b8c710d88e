/**
 * A ticket for another domain. docs/protocol/ticket.md#layout; ViPR overview §5.3.4.
 *
 *   grantTicket: epoch and its key, number, domain, time --> the grant's one ticket of this quarter of a lifetime
 *   mintTicket:  ... and random bytes                    --> a ticket of its own from that time on
 *
 * Both give the ticket in its text form, or why there is none. Functions and no machine, since nothing is waited for: their
 * caller brings the randomness, the time and the epoch's key.
 */
import { type E164, isE164, type NodeId, ntpFromMs, unixMs, utf8, type VServiceId } from "../../codecs/shared/mod.ts";
import { isDomainName, writeTicket } from "../../codecs/ticket/mod.ts";
import type { EpochKey } from "./checker.ts";
import { sealOf } from "./seal.ts";

/** Who grants, and for how long, in milliseconds. */
export interface TicketIssuerInput {
  readonly grantingNode: NodeId;
  readonly grantingDomain: string;
  readonly lifetimeMs: number;
}
/** What a ticket is to be good for. */
export interface TicketQuestion {
  readonly number: E164;
  /** The domain that may call, as it claimed and as it was validated. */
  readonly grantedTo: string;
  readonly vservice: VServiceId;
  /** 32 bytes that nobody else can know beforehand: the ticket's id and salt. */
  readonly random: Uint8Array;
  readonly atMs: number;
}
/** What was asked for is no number, or no domain. */
export type TicketRefusal = "badNumber" | "badDomain";
/** The ticket as text, or why there is none. */
export type MintedTicket =
  | { readonly type: "granted"; readonly ticket: string }
  | { readonly type: "refused"; readonly why: TicketRefusal };

/** A ticket of its own, good from `atMs` for the lifetime. Refuses what is no number or no domain. */
export const mintTicket = (input: TicketIssuerInput, epoch: EpochKey, question: TicketQuestion): MintedTicket => {
  const { number, grantedTo, vservice, random, atMs } = question;
  if (!isE164(number)) return { type: "refused", why: "badNumber" };
  if (!isDomainName(grantedTo)) return { type: "refused", why: "badDomain" };
  const ticket = writeTicket(
    {
      id: uuidOf(random),
      salt: random.slice(16, 32),
      validity: { notBefore: ntpFromMs(unixMs(atMs)), notAfter: ntpFromMs(unixMs(atMs + input.lifetimeMs)) },
      number,
      grantingNode: input.grantingNode,
      grantingDomain: input.grantingDomain,
      grantedTo,
      epoch: epoch.epoch,
      vservice,
    },
    (covered) => sealOf(epoch.key, covered),
  );
  return { type: "granted", ticket };
};

/** A ticket that is granted has three quarters of its lifetime left at least. */
export const GRANTS_OF_LIFETIME = 4;

/**
 * Each proved call asks for a ticket. Grants of the same within a quarter of the lifetime are one ticket, byte by byte, on
 * whichever day it is asked for and over restarts: so no route is told twice with different tickets. DECISIONS.md D-243.
 */
export const grantTicket = (
  input: TicketIssuerInput,
  epoch: EpochKey,
  question: Omit<TicketQuestion, "random">,
): MintedTicket => {
  const { lifetimeMs, grantingNode, grantingDomain } = input;
  const quarterMs = Math.max(1, Math.floor(lifetimeMs / GRANTS_OF_LIFETIME));
  const fromMs = Math.floor(question.atMs / quarterMs) * quarterMs;
  const { number, grantedTo, vservice } = question;
  const grant = [fromMs, lifetimeMs, number, grantingNode, grantingDomain, grantedTo, vservice].join(" ");
  return mintTicket(input, epoch, {
    ...question,
    random: sealOf(epoch.key, utf8(`vipr-grant ${grant}`)), // no ticket's covered bytes begin so: they begin with 1
    atMs: fromMs,
  });
};

/** Version 4, variant 10. RFC 4122 §4.4. */
const uuidOf = (random: Uint8Array): Uint8Array => {
  const id = random.slice(0, 16);
  id[6] = (id[6]! & 0x0f) | 0x40;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id;
};
