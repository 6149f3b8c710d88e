/** What `vipr server ORDER --help` says. */

const WHERE = `  --data DIR            the server's directory; or
  --config FILE         the company's configuration, which names it
  --help                this text
`;

export const SERVER_ORDERS: Readonly<Record<string, string>> = {
  "add-agent": `usage: vipr server add-agent NAME [--tenant TENANT] [--password-file FILE] --data DIR

Lets a call agent speak VAP under that name, or gives it another password. It counts a second later, also
while the server runs. The password is asked for, 8 to 512 characters; it is stored as MD5 of
NAME:ViPR:password, the key of VAP's message integrity.

  --tenant TENANT       the company whose it is, see add-tenant; without it the server's own
  --password-file FILE  the password, the first line; - is standard input
${WHERE}`,
  "remove-agent": `usage: vipr server remove-agent NAME --data DIR

The call agent may speak VAP no more from a second later on. Exit code 4: there is none of that name.

${WHERE}`,
  agents: `usage: vipr server agents --data DIR

The names of the call agents that may speak VAP, a line each.

${WHERE}`,
  "add-domain": `usage: vipr server add-domain DOMAIN [--tenant TENANT] [--private|--public] [--new-secret] --data DIR

Tickets are granted for this domain from a second later on, under a secret that is drawn. A domain that is
there keeps its secret.

  --tenant TENANT       the company whose it is, see add-tenant; without it the server's own
  --private             its calls are validated by method C, which shows claimants no number
  --public              undoes --private; without either it stays what it was
  --new-secret          another secret under the next epoch: border elements must be told
${WHERE}`,
  "remove-domain": `usage: vipr server remove-domain DOMAIN --data DIR

No tickets are granted for this domain from a second later on. Exit code 4: it is not served.

${WHERE}`,
  "domain-secret": `usage: vipr server domain-secret DOMAIN --data DIR

Prints domain, epoch and password for the domain's border element. Whoever has them can call its numbers.

${WHERE}`,
  "add-tenant": `usage: vipr server add-tenant TENANT [--share PERCENT] --data DIR

Another company on this server: its VServices are of its own domains, and it has a share of the overlay's
entries, the sessions and the call records. The first one counts when the server starts again. Its agents and
domains are added with --tenant TENANT; those without belong to the server's own company.

  --share PERCENT       1 to 99; without it an equal part of what the others leave
${WHERE}`,
  "remove-tenant": `usage: vipr server remove-tenant TENANT --data DIR

Exit code 4: there is none of that name, or it still has agents or domains.

${WHERE}`,
  tenants: `usage: vipr server tenants --data DIR

The companies, a line each, with their shares, agents and domains.

${WHERE}`,
  domains: `usage: vipr server domains --data DIR

The domains that tickets are granted for, a line each, with the epoch of their secret.

${WHERE}`,
};
