/**
 * A ticket for another domain. docs/protocol/ticket.md#layout; ViPR overview §5.3.4.
 *
 *   epoch and its key, number, domain, random bytes, time --> the ticket in its text form, or why there is none
 *
 * A function and no machine, since nothing is waited for: its caller brings the randomness, the time and the epoch's key.
 */
import { type E164, isE164, type NodeId, ntpFromMs, unixMs, type VServiceId } from "../../codecs/shared/mod.ts";
import { isDomainName, writeTicket } from "../../codecs/ticket/mod.ts";
import type { EpochKey } from "./checker.ts";
import { sealOf } from "./seal.ts";

export interface TicketIssuerInput {
  readonly grantingNode: NodeId;
  readonly grantingDomain: string;
  readonly lifetimeMs: number;
}
export interface TicketQuestion {
  readonly number: E164;
  /** The domain that may call, as it claimed and as it was validated. */
  readonly grantedTo: string;
  readonly vservice: VServiceId;
  /** 32 fresh bytes: the ticket's id and salt. */
  readonly random: Uint8Array;
  readonly atMs: number;
}
export type TicketRefusal = "badNumber" | "badDomain";
export type MintedTicket =
  | { readonly type: "granted"; readonly ticket: string }
  | { readonly type: "refused"; readonly why: TicketRefusal };

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

/** Version 4, variant 10. RFC 4122 §4.4. */
const uuidOf = (random: Uint8Array): Uint8Array => {
  const id = random.slice(0, 16);
  id[6] = (id[6]! & 0x0f) | 0x40;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id;
};
