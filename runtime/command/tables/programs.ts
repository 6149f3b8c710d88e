/** The tables of the programs that stand beside a PBX: company, agent, border. */
import { CONFIG_OPTIONS, LOG_OPTIONS, MEMBER_CODES, PROGRAM_CODES } from "../shared.ts";
import { table } from "../spec.ts";

const OPTIONS = { ...CONFIG_OPTIONS, ...LOG_OPTIONS } as const;
const USAGE = ["[--config FILE] [--set KEY=VALUE]... [--log text|json] [--verbose]"];
const LOG = "The log goes to standard error, a line an event; it holds no password and no whole telephone number.";

export const companyTable = table({
  name: "company",
  summary: "server, call agent and border element of a small company in one process",
  usage: USAGE,
  about: `It joins the overlay as vipr server does, stands between PBX and trunks as vipr agent does, and at the company's edge as
vipr border does. The three share what they would be told one by one: the domain and its secret, the agent's account,
the way from agent to border element. It prints "ready" when all three serve.`,
  options: OPTIONS,
  notes: `What it needs of the configuration: domain, data; [server] authority, fingerprint, user, password-file for the first
start; [numbers] country, own; [[trunk]] with host; [agent] listen, pbx, public; and [border] for calls over the
Internet. vipr config init writes one; docs/tutorial.md goes from nothing to a PBX behind it in five commands.

${LOG}
SIGTERM and SIGINT end it: calls that are up are recorded when it is back.`,
  examples: [
    { text: "with vipr.toml of this directory", line: "vipr company" },
    { text: "as a service", line: "vipr company --config /etc/vipr/vipr.toml --log json" },
  ],
  codes: { ...MEMBER_CODES, done: "stopped by SIGTERM or SIGINT", unreachable: "the authority cannot be reached" },
});

export const agentTable = table({
  name: "agent",
  summary: "a company's call agent: a SIP proxy between its PBX and its trunks",
  usage: USAGE,
  about: `Calls from the PBX go over the Internet where a route to the number is known, and to the trunk otherwise, or when that
fails before somebody answers. Calls over the trunks are recorded when they end and reported to the ViPR server, which
proves them later; what comes of it is a route. The PBX needs no change but the address of its trunk. A PBX that keeps
its proxy asks GET /route (route.listen). Without agent.listen it follows the exchange's record file instead,
records.file.`,
  options: OPTIONS,
  notes: `What it needs of the configuration: domain, [vap] primary, user, password-file, overlay, ca-file; [numbers] own,
country; [[trunk]] with host; [agent] listen, pbx, data; and border and public for calls over the Internet.
docs/operator.md has a whole one; vipr config check finds mistakes in it.

${LOG}
SIGTERM and SIGINT end it: calls that are up go on without it, and are recorded when it is back.`,
  examples: [{ text: "as a service", line: "vipr agent --config /etc/vipr/vipr.toml" }],
  codes: { ...PROGRAM_CODES, refused: "the ViPR server refuses the account" },
});

export const borderTable = table({
  name: "border",
  summary: "a company's border element, between its SIP network and the Internet",
  usage: USAGE,
  about: `Calls from other companies come over TLS with certificates on both sides, and only with a ticket for this number and
that domain; all else is refused and counted. Calls of ours leave by the route that the call agent has put on them. What
shows the inside is hidden; media is relayed and encrypted if [media] says so.`,
  options: OPTIONS,
  notes: `What it needs of the configuration: domain, data; [border] outside, certificate-file, key-file, ca-file, secrets-file;
and [media] where telephones do not speak SRTP themselves.

SIGHUP makes it read certificates, ticket secrets and the limits of [border] again: calls that are up go on, and tickets
of an epoch that is in the file no more are refused from then on. What else has changed counts after a restart, and the
log says so. SIGTERM and SIGINT end it; calls that are up go on when it is back. vipr calls shows what it does.

The log goes to standard error, a line an event; it holds no key and no whole telephone number.`,
  examples: [{ text: "as a service", line: "vipr border --config /etc/vipr/vipr.toml" }],
  codes: PROGRAM_CODES,
});
