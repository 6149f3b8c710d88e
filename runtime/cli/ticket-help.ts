/** What `vipr ticket ORDER --help` says. */

const SECRETS = `  --secret-file FILE  what vipr server domain-secret DOMAIN prints; several one after another are several epochs`;

/** What a ticket that is minted says. */
export const TICKET_FIELDS = `  --granted-to DOMAIN the domain that may call
  --granting-domain D whose numbers they are; default the file's only domain
  --epoch E           which of its secrets; default the last one in the file
  --days D            how long it holds: 1 to 3650; default 60
  --from TIME         from when, ISO 8601; default now
  --node ID           the granting node, 32 hexadecimal digits; default 0
  --vservice ID       the VService, to 16 hexadecimal digits; default 0`;

export const TICKET_ORDERS: Readonly<Record<string, string>> = {
  mint: `usage: vipr ticket mint --secret-file FILE --number N --granted-to DOMAIN [options]

Prints a ticket that lets DOMAIN call N.

${SECRETS}
  --number N          +49305550901
${TICKET_FIELDS}
  --json              one JSON object
`,
  inspect: `usage: vipr ticket inspect TICKET [--json]

Prints every field of a ticket, or where it is malformed (exit code 1). - reads it from standard input.
`,
  verify: `usage: vipr ticket verify TICKET --secret-file FILE --number N --domain D... [--at TIME] [--json]

Does a border element's whole check. Exit code 0 good; 1 refused, with the first reason that fails.

${SECRETS}
  --number N          +49305550901, the user part of a Request-URI, or a URI
  --domain D          a domain that the caller's certificate proves; may come again
  --at TIME           as at that time; default now
  --json              one JSON object
`,
  serve: `usage: vipr ticket serve --secret-file FILE --token-file FILE [--listen 127.0.0.1:PORT] [--verbose]

Answers GET /check?ticket=...&number=...&domain=... with {"verdict":"good"} or {"verdict":"refused","why":...}.

${SECRETS}; read anew when it changes
  --token-file FILE   the token that is asked for
  --listen H:P        an address of this machine; default 127.0.0.1:5641
  --verbose           log what is good, too
`,
};
