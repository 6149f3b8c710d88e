/** The orders of `vipr server`: call agents, domains, tenants. */
const WHERE = ["data", "config", "set", "json"] as const;
const DATA = "--data DIR";

export const serverOrders = {
  "add-agent": {
    summary: "lets a call agent speak VAP under a name, or gives it another password",
    usage: [`NAME [--tenant TENANT] [--password-file FILE] ${DATA}`],
    about: `The password is asked for, 8 to 512 characters; it is stored as MD5 of NAME:ViPR:password, the key of VAP's message
integrity.`,
    words: [1, 1],
    options: [...WHERE, "tenant", "password-file"],
    examples: [{ text: "the PBX's account", line: "vipr server add-agent pbx --data /var/lib/vipr/server" }],
  },
  "remove-agent": {
    summary: "lets a call agent speak VAP no more, from a second later on",
    usage: [`NAME ${DATA}`],
    words: [1, 1],
    options: WHERE,
    examples: [{ text: "the PBX's account", line: "vipr server remove-agent pbx --data /var/lib/vipr/server" }],
  },
  agents: {
    summary: "the names of the call agents that may speak VAP, a line each",
    usage: [`${DATA} [--json]`],
    options: WHERE,
    examples: [{ text: "as a JSON object", line: "vipr server agents --data /var/lib/vipr/server --json" }],
  },
  "add-domain": {
    summary: "grants tickets for a domain from a second later on, under a secret that is drawn",
    usage: [`DOMAIN [--tenant TENANT] [--private|--public] [--new-secret] ${DATA}`],
    about: "A domain that is there keeps its secret.",
    words: [1, 1],
    options: [...WHERE, "tenant", "private", "public", "new-secret"],
    examples: [
      { text: "a domain", line: "vipr server add-domain a.example --data /var/lib/vipr/server" },
      { text: "its next secret", line: "vipr server add-domain a.example --new-secret --data /var/lib/vipr/server" },
    ],
  },
  "remove-domain": {
    summary: "grants no tickets for a domain from a second later on",
    usage: [`DOMAIN ${DATA}`],
    words: [1, 1],
    options: WHERE,
    examples: [{ text: "a domain", line: "vipr server remove-domain a.example --data /var/lib/vipr/server" }],
  },
  "domain-secret": {
    summary: "prints domain, epoch and password for the domain's border element",
    usage: [`DOMAIN ${DATA} [--json]`],
    about: "With them anybody can make tickets to call its numbers: keep them as a password.",
    words: [1, 1],
    options: WHERE,
    examples: [
      {
        text: "into the file that the border element reads",
        line: "vipr server domain-secret a.example --data /var/lib/vipr/server > /etc/vipr/a.example.secret",
      },
    ],
  },
  domains: {
    summary: "the domains that tickets are granted for, a line each, with the epoch of their secret",
    usage: [`${DATA} [--json]`],
    options: WHERE,
    examples: [{ text: "as a JSON object", line: "vipr server domains --data /var/lib/vipr/server --json" }],
  },
  "add-tenant": {
    summary: "another company on this server",
    usage: [`TENANT [--share PERCENT] ${DATA}`],
    about: `Its VServices are of its own domains, and it has a share of the overlay's entries, the sessions and the call records.
The first one counts when the server starts again. Its agents and domains are added with --tenant TENANT; those
without belong to the server's own company.`,
    words: [1, 1],
    options: [...WHERE, "share"],
    examples: [
      { text: "a company with a fifth", line: "vipr server add-tenant b --share 20 --data /var/lib/vipr/server" },
    ],
  },
  "remove-tenant": {
    summary: "removes a company that has no agents and no domains any more",
    usage: [`TENANT ${DATA}`],
    words: [1, 1],
    options: WHERE,
    examples: [{ text: "that company", line: "vipr server remove-tenant b --data /var/lib/vipr/server" }],
  },
  tenants: {
    summary: "the companies, a line each, with their shares, agents and domains",
    usage: [`${DATA} [--json]`],
    options: WHERE,
    examples: [{ text: "as a JSON object", line: "vipr server tenants --data /var/lib/vipr/server --json" }],
  },
} as const;
