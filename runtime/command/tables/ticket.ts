/** The table of `vipr ticket`. */
import { JSON_OPTION, LOG_OPTIONS } from "../shared.ts";
import { table } from "../spec.ts";

export const ticketTable = table({
  name: "ticket",
  summary: "tickets by hand: mint, inspect, verify; and their check over HTTP",
  usage: [
    "mint --secret-file FILE --number N --granted-to DOMAIN [--epoch E] [--days D] [--json]",
    "inspect TICKET [--json]",
    "verify TICKET --secret-file FILE --number N --domain D... [--at TIME] [--json]",
    "serve --secret-file FILE --token-file FILE [--listen 127.0.0.1:PORT] [--verbose]",
  ],
  about: `A ticket is a domain's permission to call a number over SIP. TICKET is the header field's text; - reads it from standard
input.`,
  options: {
    "secret-file": {
      type: "string",
      value: "FILE",
      text: "what vipr server domain-secret DOMAIN prints; several one after another are several epochs. Read anew when it changes (serve)",
    },
    number: {
      type: "string",
      value: "N",
      text: "+49305550901; of verify also the user part of a Request-URI, or a URI",
    },
    "granted-to": { type: "string", value: "DOMAIN", text: "the domain that may call" },
    "granting-domain": {
      type: "string",
      value: "D",
      text: "whose numbers they are; default the file's only domain",
    },
    epoch: { type: "string", value: "E", text: "which of its secrets; default the last one in the file" },
    days: { type: "string", default: "60", value: "D", text: "how long it holds: 1 to 3650; default 60" },
    from: { type: "string", value: "TIME", text: "from when, ISO 8601; default now" },
    node: { type: "string", value: "ID", text: "the granting node, 32 hexadecimal digits; default 0" },
    vservice: { type: "string", value: "ID", text: "the VService, to 16 hexadecimal digits; default 0" },
    domain: {
      type: "string",
      multiple: true,
      value: "D",
      text: "a domain that the caller's certificate proves; may come again",
    },
    at: { type: "string", value: "TIME", text: "verify as at that time; default now" },
    listen: {
      type: "string",
      default: "127.0.0.1:5641",
      value: "H:P",
      text: "an address of this machine; default 127.0.0.1:5641",
    },
    "token-file": { type: "string", value: "FILE", text: "the token that a caller of the check shows" },
    ...JSON_OPTION,
    ...LOG_OPTIONS,
  },
  words: [1, 2],
  orders: {
    mint: {
      summary: "prints a ticket that lets DOMAIN call N",
      usage: ["--secret-file FILE --number N --granted-to DOMAIN [options]"],
      options: [
        "secret-file",
        "number",
        "granted-to",
        "granting-domain",
        "epoch",
        "days",
        "from",
        "node",
        "vservice",
        "json",
      ],
      examples: [
        {
          text: "b.example may call a number of ours for 30 days",
          line: "vipr ticket mint --secret-file a.secret --number +49305550901 --granted-to b.example --days 30",
        },
      ],
    },
    inspect: {
      summary: "prints every field of a ticket, or where it is malformed (exit code 1)",
      usage: ["TICKET [--json]"],
      words: [1, 1],
      options: ["json"],
      examples: [{ text: "from standard input", line: "vipr ticket inspect -" }],
    },
    verify: {
      summary: "a border element's whole check; exit code 1: refused, with the first reason that fails",
      usage: ["TICKET --secret-file FILE --number N --domain D... [--at TIME] [--json]"],
      words: [1, 1],
      options: ["secret-file", "number", "domain", "at", "json"],
      examples: [
        {
          text: "a caller of b.example",
          line: "vipr ticket verify - --secret-file a.secret --number +49305550901 --domain b.example",
        },
      ],
    },
    serve: {
      summary: "answers over HTTP whether a ticket is good, for a border element that is Kamailio or an SBC",
      usage: ["--secret-file FILE --token-file FILE [--listen 127.0.0.1:PORT] [--verbose]"],
      about:
        'GET /check?ticket=...&number=...&domain=... with {"verdict":"good"} or {"verdict":"refused","why":...}. --verbose logs what is good, too.',
      options: ["secret-file", "token-file", "listen", "verbose", "log"],
      examples: [
        { text: "beside Kamailio", line: "vipr ticket serve --secret-file a.secret --token-file check.token" },
      ],
    },
  },
  notes: "A password is taken from its file alone.",
  examples: [
    {
      text: "b.example may call a number of ours",
      line: "vipr ticket mint --secret-file a.secret --number +49305550901 --granted-to b.example",
    },
    { text: "what a ticket says", line: "vipr ticket inspect - --json" },
  ],
  codes: {
    done: "good",
    fault: "malformed or refused; verify: the reason is the first that fails",
    usage: "options or files",
    portTaken: true,
  },
});
