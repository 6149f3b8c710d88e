/** `vipr ticket`: tickets by hand, and their check over HTTP. docs/protocol/ticket.md. */
import { readFileSync } from "node:fs";
import { Effect, type Scope } from "effect";
import { isE164, nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import { normalDomain, TICKET_CHARS_MAX } from "../../codecs/ticket/mod.ts";
import { ticketTable } from "../command/tables/ticket.ts";
import { nodeLayer, type Ports } from "../node.ts";
import { namedFileStopped, type Stopped } from "./exit.ts";
import { logOf } from "./log-options.ts";
import { command, loopbackOf, required, type ValuesOf, Wrong, wholeOf } from "./options.ts";
import { say } from "./output.ts";
import { passwordFrom } from "./password.ts";
import { runCommand } from "./run.ts";
import { serveTickets } from "./serve-tickets.ts";
import { numberIn } from "./ticket-check.ts";
import { inspect, mint, type Said, verify } from "./ticket-orders.ts";
import { readTicketSecrets } from "./ticket-secrets.ts";

type Values = ValuesOf<typeof ticketTable.options>;
const REFUSED = 1;
const DAY_MS = 86_400_000;
const DAYS_MAX = 3_650;
const EPOCH_MAX = 255;
const CHECK_PORT = 5_641;

export const ticketCommand = async (args: ReadonlyArray<string>): Promise<number> => {
  let isRefused = false;
  const code = await command(ticketTable, args, async (values, [order = "", text]) => {
    const tell = ({ lines, json, isGood }: Said) => {
      say(values.json ? JSON.stringify(json) : lines.join("\n"));
      isRefused = !isGood;
    };
    const program: Effect.Effect<void, Stopped, Ports | Scope.Scope> =
      order === "serve" ? serving(values, text) : Effect.map(workOf(order, text, values), tell);
    const level = values.verbose ? "debug" : order === "serve" ? "info" : "warn";
    const log = { ...logOf(values), level } as const;
    return await runCommand({ name: "vipr ticket", log }, Effect.provide(program, nodeLayer()));
  });
  return code === 0 && isRefused ? REFUSED : code;
};

/** Options are looked at before anything is done. */
const workOf = (order: string, text: string | undefined, values: Values): Effect.Effect<Said, Stopped, Ports> => {
  if (order === "mint") return minting(values, text);
  if (order !== "inspect" && order !== "verify")
    throw new Wrong(`there is no order "${order}", but mint, inspect, verify and serve`);
  if (text === undefined) throw new Wrong(`${order} wants a ticket`);
  const ticket = ticketFrom(text);
  if (order === "inspect") return Effect.map(ticket, (ticket) => inspect(ticket, Date.now()));
  const number = required(values.number, "number", "the called number");
  const domains = (values.domain ?? []).map((one) => domainOf(one, "domain"));
  if (domains.length === 0) throw new Wrong("--domain is missing: what the caller's certificate proves");
  const atMs = values.at === undefined ? Date.now() : timeOf(values.at, "at");
  const secrets = readTicketSecrets(secretFileOf(values));
  return Effect.flatMap(Effect.all([secrets, ticket]), ([secrets, ticket]) =>
    verify(secrets, { ticket, number, domains, atMs }),
  );
};

const minting = (values: Values, text: string | undefined) => {
  if (text !== undefined) throw new Wrong(`there is nothing to do with "${text}"`);
  const number = numberIn(required(values.number, "number", "the number that may be called"));
  if (number === undefined || !isE164(number)) throw new Wrong("--number wants a whole number, as +49305550901");
  const wishes = {
    number,
    grantedTo: domainOf(required(values["granted-to"], "granted-to", "the domain that may call"), "granted-to"),
    grantingDomain:
      values["granting-domain"] === undefined ? undefined : domainOf(values["granting-domain"], "granting-domain"),
    epoch: values.epoch === undefined ? undefined : wholeOf(values.epoch, "epoch", 1, EPOCH_MAX),
    lifetimeMs: wholeOf(values.days, "days", 1, DAYS_MAX) * DAY_MS,
    fromMs: values.from === undefined ? Date.now() : timeOf(values.from, "from"),
    grantingNode: values.node === undefined ? undefined : nodeIdFrom(hexIn(values.node, "node", 32)),
    vservice: values.vservice === undefined ? undefined : vserviceId(hexIn(values.vservice, "vservice", 16)),
  };
  return Effect.flatMap(readTicketSecrets(secretFileOf(values)), (secrets) => mint(secrets, wishes));
};

const serving = (values: Values, text: string | undefined) => {
  if (text !== undefined) throw new Wrong(`there is nothing to do with "${text}"`);
  const listen = loopbackOf(values.listen, "listen", CHECK_PORT);
  const tokenFile = required(values["token-file"], "token-file", "the token that is asked for");
  const secretFile = secretFileOf(values);
  return Effect.flatMap(passwordFrom(tokenFile, "token"), (token) => serveTickets({ listen, token, secretFile }));
};

const secretFileOf = (values: Values): string =>
  required(values["secret-file"], "secret-file", "what vipr server domain-secret DOMAIN prints");

const ticketFrom = (text: string): Effect.Effect<string, Stopped> =>
  text === "-"
    ? Effect.try({
        try: () =>
          readFileSync(0, "utf8")
            .slice(0, 2 * TICKET_CHARS_MAX)
            .trim(),
        catch: (cause) => namedFileStopped("standard input", cause),
      })
    : Effect.succeed(text.trim());

const domainOf = (text: string, option: string): string => {
  const domain = normalDomain(text);
  if (domain === undefined) throw new Wrong(`--${option} wants a DNS name, not "${text}"`);
  return domain;
};
const timeOf = (text: string, option: string): number => {
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new Wrong(`--${option} wants a time as 2026-11-30T12:00:00Z, not "${text}"`);
  return ms;
};
const hexIn = (text: string, option: string, digits: number): bigint => {
  if (!new RegExp(`^[0-9a-f]{1,${digits}}$`, "i").test(text))
    throw new Wrong(`--${option} wants 1 to ${digits} hexadecimal digits, not "${text}"`);
  return BigInt(`0x${text}`);
};
