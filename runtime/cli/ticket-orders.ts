/** `vipr ticket mint`, `inspect` and `verify`: each is one effect that gives lines, and whether the ticket is good. */
import { Effect } from "effect";
import { Entropy, Seals } from "../../actors/ports/mod.ts";
import { epochKey, TICKET_LIFETIME_MS } from "../../actors/ticket/mod.ts";
import {
  bytesOfBase64,
  type E164,
  type NodeId,
  nodeIdFrom,
  type VServiceId,
  vserviceId,
} from "../../codecs/shared/mod.ts";
import { readTicket, TICKET_CHARS_MAX } from "../../codecs/ticket/mod.ts";
import { wireErrorText } from "../../codecs/wire/mod.ts";
import { mintTicket } from "../../machines/ticket/mod.ts";
import { jsonOf } from "../ticket-service.ts";
import { type Stopped, stopped } from "./exit.ts";
import { check, type Question, sealsOf } from "./ticket-check.ts";
import type { TicketSecrets } from "./ticket-secrets.ts";
import { fieldLines, fieldsOf, stateOf } from "./ticket-text.ts";

export interface Said {
  readonly lines: ReadonlyArray<string>;
  readonly json: unknown;
  readonly isGood: boolean;
}

export interface MintWishes {
  readonly number: E164;
  readonly grantedTo: string;
  /** Undefined: the file's only domain. */
  readonly grantingDomain: string | undefined;
  /** Undefined: that of the domain's last secret in the file. */
  readonly epoch: number | undefined;
  readonly lifetimeMs: number | undefined;
  readonly fromMs: number;
  readonly grantingNode: NodeId | undefined;
  readonly vservice: VServiceId | undefined;
}
const RANDOM_BYTES = 32;

export const mint = Effect.fn("ticket.mint")(function* (secrets: TicketSecrets, wishes: MintWishes) {
  const { grantingDomain = yield* onlyDomain(secrets), number, grantedTo, fromMs } = wishes;
  const own = secrets.get(grantingDomain) ?? [];
  const secret = wishes.epoch === undefined ? own.at(-1) : own.find(({ epoch }) => epoch === wishes.epoch);
  if (secret === undefined)
    return yield* stopped(
      "usage",
      `there is no secret of ${grantingDomain}${wishes.epoch === undefined ? "" : ` for epoch ${wishes.epoch}`} in the file`,
    );
  const key = yield* (yield* epochKey)(secret);
  const random = yield* (yield* Entropy).bytes(RANDOM_BYTES);
  const { grantingNode = nodeIdFrom(0n), vservice = vserviceId(0n), lifetimeMs = TICKET_LIFETIME_MS } = wishes;
  const minted = mintTicket(
    { grantingNode, grantingDomain, lifetimeMs },
    { epoch: secret.epoch, key },
    { number, grantedTo, vservice, random, atMs: fromMs },
  );
  if (minted.type === "refused") return yield* stopped("usage", `no ticket: ${minted.why}`);
  const { ticket } = minted;
  const read = readTicket(ticket);
  return { lines: [ticket], json: { ticket, ...(read.ok ? fieldsOf(read.ticket) : {}) }, isGood: true } satisfies Said;
});

const onlyDomain = (secrets: TicketSecrets): Effect.Effect<string, Stopped> => {
  const [first, ...more] = secrets.keys();
  return more.length === 0
    ? Effect.succeed(first!)
    : Effect.fail(stopped("usage", `--granting-domain: the file has secrets of ${secrets.size} domains`));
};

export const inspect = (ticket: string, nowMs: number): Said => {
  const read = readTicket(ticket);
  if (!read.ok) {
    const why = base64Fault(ticket) ?? wireErrorText(read.error);
    return { lines: [`malformed: ${why}`], json: { malformed: why }, isGood: false };
  }
  const fields = fieldsOf(read.ticket);
  const state = stateOf(read.ticket, nowMs);
  return { lines: [...fieldLines(fields), `now             ${state}`], json: { ...fields, state }, isGood: true };
};

/** Where a text is no base64 in its one form, RFC 4648 §4; undefined where it is. */
const base64Fault = (text: string): string | undefined => {
  if (text.length > TICKET_CHARS_MAX) return `${text.length} characters, more than ${TICKET_CHARS_MAX}`;
  const at = text.search(/[^A-Za-z0-9+/]/);
  const padding = at < 0 ? "" : text.slice(at);
  if (padding !== "" && padding !== "=" && padding !== "==") return `character ${at + 1} is not of base64`;
  if (text.length % BASE64_GROUP !== 0) return `${text.length} characters are no whole groups of ${BASE64_GROUP}`;
  return text === "" || bytesOfBase64(text) !== undefined ? undefined : `character ${at}: bits beyond the last byte`;
};
const BASE64_GROUP = 4;

/** As a border element would do it. */
export const verify = Effect.fn("ticket.verify")(function* (secrets: TicketSecrets, question: Question) {
  const verdict = check(yield* sealsOf(secrets, yield* Seals), question);
  const isGood = verdict.type === "admit";
  const detail = isGood || verdict.detail === undefined ? "" : ` (${verdict.detail})`;
  const line = isGood ? `good: ${verdict.domain} may call` : `refused: ${verdict.why}${detail}`;
  return { lines: [line], json: jsonOf(verdict), isGood } satisfies Said;
});
