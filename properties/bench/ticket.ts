/**
 * What a ticket costs at the door.
 *
 *   the whole check         base64, layout, HMAC, times, number, domain    beside the platform's base64 and HMAC alone
 *   the border's admission  ticket, Max-Forwards, secured offer            beside the check alone
 *
 * A thousand tickets in turn, so that nothing remembers one. What is admitted was parsed just before, off the clock: its
 * Request-URI and its session description are read by the admission.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { e164, nodeIdFrom, ntpFromMs, unixMs, vserviceId } from "../../codecs/shared/mod.ts";
import { inviteOf, offerOf, parseSip, printSdp, printSip, type SipRequest, textBody } from "../../codecs/sip/mod.ts";
import { writeTicket } from "../../codecs/ticket/mod.ts";
import { admit } from "../../machines/sip/mod.ts";
import { checkTicket } from "../../machines/ticket/mod.ts";
import { makeSeal } from "../../runtime/seals.ts";
import { type Contest, cpuMs, rateOf } from "./kit.ts";

const TICKETS = 1_000;
const AT_MS = 1_400_000_000_000;
const NUMBER = e164("+49305550001");
const DOMAINS = ["acme.example"];
const INTEGRITY_BYTES = 32;
const FIELD_BYTES = INTEGRITY_BYTES + 4;

const key = new Uint8Array(32).fill(7);
const seal = makeSeal(key);
const epochs = [{ epoch: 3, seal }];
const ticketOf = (): string =>
  writeTicket(
    {
      id: crypto.getRandomValues(new Uint8Array(16)),
      salt: crypto.getRandomValues(new Uint8Array(16)),
      validity: { notBefore: ntpFromMs(unixMs(AT_MS)), notAfter: ntpFromMs(unixMs(AT_MS + 60 * 86_400_000)) },
      number: NUMBER,
      grantingNode: nodeIdFrom(0x8e60f5fab753037f64ab6c53947fd532n),
      grantingDomain: "nord.example",
      grantedTo: "acme.example",
      epoch: 3,
      vservice: vserviceId(0x7eeb6a7036478351n),
    },
    seal,
  );
const tickets = Array.from({ length: TICKETS }, ticketOf);
const invites = tickets.map((ticket, i) => {
  const invite = inviteOf({
    host: "nord.example",
    called: NUMBER,
    calling: e164("+14085550001"),
    domain: "acme.example",
    by: { transport: "TLS", host: "acme.example", port: 5_061 },
    branch: `z9hG4bK${i}`,
    tag: "a",
    callId: `call-${i}`,
    route: undefined,
    ticket,
    body: textBody(printSdp(offerOf({ address: "192.0.2.1", port: 4_000, key: "A".repeat(40), session: String(i) }))),
  });
  return printSip(invite);
});
const BATCH = 250; // few enough that they are dropped while they are young, as at a border: what keeps thousands pays for their collection
const BATCHES = 32;

let next = 0;
const check = () => {
  next = (next + 1) % TICKETS;
  const verdict = checkTicket(epochs, { ticket: tickets[next], number: NUMBER, domains: DOMAINS, atMs: AT_MS });
  if (verdict.type !== "admit") throw new Error(verdict.why);
};
const platform = () => {
  next = (next + 1) % TICKETS;
  const wire = Buffer.from(tickets[next]!, "base64");
  const sealed = createHmac("sha256", key).update(wire.subarray(0, -FIELD_BYTES)).digest();
  if (!timingSafeEqual(sealed, wire.subarray(-INTEGRITY_BYTES))) throw new Error("not sealed");
};
const arrived = (i: number): SipRequest => {
  const read = parseSip(invites[i % TICKETS]!);
  if (!read.ok || read.value.type !== "request") throw new Error("not a request");
  return read.value;
};
const admissions = (): number => {
  let tookMs = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    const fresh = Array.from({ length: BATCH }, (_, i) => arrived(batch * BATCH + i));
    const from = cpuMs();
    for (const invite of fresh) {
      const outcome = admit({ invite, domains: DOMAINS, onReject: "silence", epochs, atMs: AT_MS });
      if (outcome.type !== "admitted") throw new Error(outcome.why);
    }
    tookMs += cpuMs() - from;
  }
  return (1_000 * BATCH * BATCHES) / tookMs;
};

export const contests: ReadonlyArray<Contest> = [
  {
    name: "ticket: the whole check",
    unit: "1/s",
    peerName: "createHmac + base64 + timingSafeEqual",
    ours: () => rateOf(check),
    peer: () => rateOf(platform),
    aim: "Bun" in globalThis ? 0.6 : "Deno" in globalThis ? 3 : 5,
  },
  {
    name: "ticket: the border's whole admission",
    unit: "1/s",
    peerName: "the check alone",
    ours: admissions,
    peer: () => rateOf(check),
    aim: 0.8,
  },
];
