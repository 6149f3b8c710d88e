/**
 * The file with the secrets by which tickets are sealed and checked, as `vipr server domain-secret` prints them; several one
 * after another are several epochs, or several domains. What follows # on a line of its own is left aside.
 * DECISIONS.md D-151.
 *
 *   domain    acme.example
 *   epoch     2
 *   password  <one word>
 */
import { readFileSync, statSync } from "node:fs";
import { Effect } from "effect";
import type { TicketSecret } from "../../actors/ticket/mod.ts";
import { normalDomain } from "../../codecs/ticket/mod.ts";
import { EPOCHS_MAX } from "../../machines/ticket/mod.ts";
import { namedFileStopped, type Stopped, stopped } from "./exit.ts";

const FILE_BYTES_MAX = 65_536;
const DOMAINS_MAX = 256;
const EPOCH_MAX = 255;

/** By domain, in the order in which they stand: the last one mints. */
export type TicketSecrets = ReadonlyMap<string, ReadonlyArray<TicketSecret>>;

export const readTicketSecrets = (file: string): Effect.Effect<TicketSecrets, Stopped> =>
  Effect.flatMap(
    Effect.try({
      try: () => {
        if (statSync(file).size > FILE_BYTES_MAX) throw new Error(`longer than ${FILE_BYTES_MAX} bytes`);
        return readFileSync(file, "utf8");
      },
      catch: (cause) => namedFileStopped(file, cause),
    }),
    (text) => {
      const secrets = ticketSecretsIn(text);
      return typeof secrets === "string"
        ? Effect.fail(stopped("usage", `${file}: ${secrets}`))
        : Effect.succeed(secrets);
    },
  );

/** Or what is wrong, with its line and without a word of a password. */
export const ticketSecretsIn = (text: string): TicketSecrets | string => {
  const all = new Map<string, Array<TicketSecret>>();
  let block: { domain?: string; epoch?: number } = {};
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const where = `line ${i + 1}`;
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, value] = /^\s*(domain|epoch|password)\s+(\S+)\s*$/.exec(line) ?? [];
    if (value === undefined) return `${where}: wants "domain", "epoch" or "password" and one word`;
    if (name === "domain") {
      const domain = normalDomain(value);
      if (domain === undefined) return `${where}: not a DNS name`;
      if (block.domain !== undefined) return `${where}: another domain before the password of ${block.domain}`;
      block = { domain };
    } else if (name === "epoch") {
      const epoch = /^[1-9][0-9]{0,2}$/.test(value) ? Number(value) : EPOCH_MAX + 1;
      if (epoch > EPOCH_MAX) return `${where}: an epoch is a number from 1 to ${EPOCH_MAX}`;
      block = { ...block, epoch };
    } else {
      const { domain, epoch } = block;
      if (domain === undefined || epoch === undefined) return `${where}: a password before its domain and its epoch`;
      const known = all.get(domain) ?? [];
      if (known.some((one) => one.epoch === epoch)) return `${where}: epoch ${epoch} of ${domain} twice`;
      if (known.length >= EPOCHS_MAX) return `${where}: more than ${EPOCHS_MAX} epochs of ${domain}`;
      if (all.size >= DOMAINS_MAX) return `${where}: more than ${DOMAINS_MAX} domains`;
      all.set(domain, [...known, { epoch, password: value }]);
      block = {};
    }
  }
  if (block.domain !== undefined || block.epoch !== undefined) return "ends before a password";
  return all.size === 0 ? "holds no secret: put there what vipr server domain-secret DOMAIN prints" : all;
};
