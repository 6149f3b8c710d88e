/** The tables of `vipr vcr`, `vipr number` and `vipr verify-call`. */
import { CONFIG_OPTIONS, JSON_OPTION } from "../shared.ts";
import { table } from "../spec.ts";

const VCR_SHARED = ["data", "format", "config", "set", "json", "verbose"] as const;

export const vcrTable = table({
  name: "vcr",
  summary: "call records of the exchange: reads files, follows them, uploads",
  usage: ["import FILE... [--dry-run] [--json] [options]", "follow [FILE] [--json] [options]"],
  about: `FILE is what the exchange writes: Asterisk's Master.csv, cdr_custom or CEL, FreeSWITCH, CUCM, JSON lines and others
(docs/records.md). Rows that belong together are one telephone call: one for each trunk channel. What is left aside is
counted, by reason.`,
  options: {
    "dry-run": { type: "boolean", default: false, text: "reads and shows, uploads nothing, keeps nothing" },
    data: {
      type: "string",
      value: "DIR",
      text: "where the place and what is still to be uploaded are kept (default: agent.data)",
    },
    format: {
      type: "string",
      value: "NAME",
      text: "of the files, where they do not tell (default: records.format, else found out)",
    },
    ...CONFIG_OPTIONS,
    json: {
      ...JSON_OPTION.json,
      text: "a line for each call and for each part left aside; import: and a summary at the end",
    },
    verbose: { type: "boolean", default: false, text: "more of the log" },
  },
  words: [1, 10_001],
  orders: {
    import: {
      summary: "reads files to their ends, uploads their calls and ends when the server has all of them",
      usage: ["FILE... [--dry-run] [--json] [--format NAME] [--data DIR]"],
      about: "What was read before is not read again: the place is kept on disk.",
      words: [1, 10_000],
      completes: "file",
      options: ["dry-run", ...VCR_SHARED],
      examples: [
        { text: "what would be uploaded", line: "vipr vcr import /var/log/asterisk/cdr-csv/Master.csv --dry-run" },
      ],
    },
    follow: {
      summary: "goes on reading as the exchange writes, over rotation and truncation",
      usage: ["[FILE] [--json] [--format NAME] [--data DIR]"],
      about: "Without FILE it is records.file of the configuration.",
      words: [0, 1],
      completes: "file",
      options: VCR_SHARED,
      examples: [{ text: "the file of the configuration", line: "vipr vcr follow --config /etc/vipr/vipr.toml" }],
    },
  },
  examples: [
    { text: "what would be uploaded", line: "vipr vcr import Master.csv --dry-run --json" },
    { text: "uploads the calls of two files", line: "vipr vcr import Master.csv.1 Master.csv" },
  ],
  codes: {
    done: true,
    usage: "options, configuration or a file that cannot be read",
    unreachable: "no ViPR server answers",
    refused: "the ViPR server refuses the account",
    inUse: true,
    notWritable: true,
    diskFull: true,
    damaged: true,
    interrupted: "import: ended by a signal; the same command goes on from where it was",
  },
});

export const numberTable = table({
  name: "number",
  summary: "which number of the telephone network a text is, by the company's dial plan",
  usage: ["explain TEXT [--source S] [--trunk NAME] [--json]"],
  about: `TEXT is whatever a record, a SIP header or a person shows. The sources: dialled (at the exchange, perhaps with an access
code), to-trunk (sent to a trunk: a Request-URI, Asterisk's lastdata), caller-from-trunk (who a trunk says calls),
called-from-trunk (the number that a trunk asks for: a DID), caller-from-pbx (who the exchange says calls: a number or
an extension).`,
  options: {
    source: {
      type: "string",
      default: "dialled",
      value: "S",
      among: ["dialled", "to-trunk", "caller-from-trunk", "called-from-trunk", "caller-from-pbx"],
      text: "where the text stands (default dialled)",
    },
    trunk: {
      type: "string",
      value: "NAME",
      text: "the trunk of the call; without it only what all trunks read alike counts",
    },
    ...CONFIG_OPTIONS,
    json: {
      ...JSON_OPTION.json,
      text: '{"number":"+..." or null,"steps":[...],"why":null or a code,"own":true or false}',
    },
  },
  words: [2, 2],
  orders: {
    explain: {
      summary: "the number in E.164, or why there is none, and each step of the dial plan",
      usage: ["TEXT [--source S] [--trunk NAME] [--json]"],
      words: [1, 1],
      options: ["source", "trunk", "config", "set", "json"],
      examples: [
        { text: "as dialled behind an access code", line: "vipr number explain 9030550901 --set numbers.country=DE" },
      ],
    },
  },
  examples: [
    { text: "as dialled in Berlin", line: "vipr number explain 030550901 --set numbers.country=DE" },
    { text: "as a trunk shows its caller", line: "vipr number explain 49305550901 --source caller-from-trunk" },
  ],
  codes: { done: "it is a number", fault: "it is none", usage: true },
});

export const verifyCallTable = table({
  name: "verify-call",
  summary: "one validation by hand, against a server that claims a number",
  usage: ["--vcr FILE --peer HOST:PORT --peer-node HEX --vservice HEX [options]"],
  about: `It asks one server to prove that it knows of one call, as a ViPR server does of itself. The call as its caller's side
knows it is JSON: {"called": "+14085555432", "calling": "+33123456789", "start": "2026-11-22T10:07:03.250Z",
"stop": "2026-11-22T10:09:41Z"}, without "calling" when the caller id was withheld; times with their zone, or as NTP
seconds.`,
  options: {
    vcr: { type: "string", value: "FILE", text: "the call; - is standard input" },
    peer: { type: "string", value: "HOST:PORT", text: "where the server takes validations (port 5621 unless given)" },
    "peer-node": { type: "string", value: "HEX", text: "its Node-ID, 32 hexadecimal digits, and" },
    vservice: {
      type: "string",
      value: "HEX",
      text: "its VServiceID, up to 16, as the overlay has them: vipr node find NUMBER",
    },
    node: { type: "string", value: "HEX", text: "our own Node-ID (default: drawn; nothing in PVP proves it)" },
    domain: {
      type: "string",
      default: "verify-call.invalid",
      value: "NAME",
      text: "our domain, whom the ticket would be for (default verify-call.invalid)",
    },
    private: {
      type: "boolean",
      default: false,
      text: "method C, which shows no telephone number, instead of A and B",
    },
    round: {
      type: "string",
      default: "10",
      value: "S",
      text: "the overlay's rounding interval T in seconds (default 10)",
    },
    required: { type: "string", default: "12", value: "BITS", text: "what a route needs (default 12)" },
    ...JSON_OPTION,
  },
  notes: `Where the server has other times for the call, each try counts against the call there: three by A lock it to A, three by B
and C lock it to these two. A and B, if A fails, are a try each.`,
  examples: [
    {
      text: "a call of a file",
      line: "vipr verify-call --vcr call.json --peer b.example --vservice 1 \\\n  --peer-node 0123456789abcdef0123456789abcdef",
    },
  ],
  codes: {
    done: "it knows of the call",
    usage: true,
    unreachable: "unreachable or broken off",
    refused: "it does not know of the call, or declines",
    interrupted: "ended by a signal before there was an answer",
  },
});
