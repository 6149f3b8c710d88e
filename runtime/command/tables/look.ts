/** The tables of the commands that look at what runs: status, page, doctor, ring, explain. */
import { CONFIG_OPTIONS, JSON_OPTION, WATCH_OPTIONS } from "../shared.ts";
import { table } from "../spec.ts";

const PROGRAM_DATA = {
  type: "string",
  value: "DIR",
  text: "the directory of one program, instead of those of the configuration",
} as const;

export const statusTable = table({
  name: "status",
  summary: "what the company's programs on this machine do, on one screen",
  usage: ["[--config FILE | --data DIR] [--json] [--quiet]"],
  options: {
    ...CONFIG_OPTIONS,
    data: PROGRAM_DATA,
    json: { ...JSON_OPTION.json, text: "one JSON object; docs/operator.md names its fields" },
    quiet: { type: "boolean", default: false, text: "prints nothing: the exit code tells" },
  },
  examples: [
    { text: "the programs of vipr.toml here", line: "vipr status" },
    { text: "for a health check", line: "vipr status --config /etc/vipr/vipr.toml --quiet" },
  ],
  codes: { done: "every program is ready", usage: true, unreachable: "one does not answer or is not ready" },
});

export const pageTable = table({
  name: "page",
  summary: "the page that they serve, to watch them in a browser: its address, or the page for other machines",
  usage: [
    "[--config FILE | --data DIR] [--json]",
    "--listen HOST:PORT --certificate FILE --key FILE [--client-ca FILE] [--config FILE]",
  ],
  about: `The page shows calls, validations, routes, what was refused, the overlay and the health of all programs of the
configuration, live. The address ends with the token of the program that serves it: with it anybody on this machine may
see whole numbers and give orders. From another machine: ssh -L 8080:HOST:PORT, and 127.0.0.1:8080 there.

With --listen it serves the page itself, over TLS, for other machines; the programs' own ports stay on loopback. It is
shown to who has the token, which the printed address ends with and which is another one after each start; or, with
--client-ca, to who has a certificate under it, and to nobody else.`,
  options: {
    ...CONFIG_OPTIONS,
    data: PROGRAM_DATA,
    listen: { type: "string", value: "HOST:PORT", text: "where to serve it for other machines (port 8443)" },
    certificate: { type: "string", value: "FILE", text: "the certificate for it, and its chain, in PEM" },
    key: { type: "string", value: "FILE", text: "the key of it, in PEM" },
    "client-ca": {
      type: "string",
      value: "FILE",
      text: "the roots of the certificates that browsers have to show, in PEM",
    },
    ...JSON_OPTION,
  },
  examples: [
    { text: "the page of the programs of vipr.toml here", line: "vipr page" },
    {
      text: "for other machines",
      line: "vipr page --listen 192.0.2.10:8443 --certificate page.pem --key page.key --config vipr.toml",
    },
  ],
  codes: { done: true, usage: true, unreachable: "no program with an admin port runs", portTaken: true },
});

export const doctorTable = table({
  name: "doctor",
  summary: "what is wrong with them, and what to do",
  usage: ["[--config FILE] [--set KEY=VALUE]... [--json]", "--reach HOST:PORT            (from another machine)"],
  about: `It looks at the configuration, the data directories, stores and disk, the ports from inside and at the address that
others are told, certificates and their days, the authority and the overlay, the clock beside the overlay's nodes, and
whether an account is used elsewhere. It changes nothing; a store is opened only while no program has it.`,
  options: {
    ...CONFIG_OPTIONS,
    reach: {
      type: "string",
      value: "HOST:PORT",
      text: "run on another machine: whether that port can be reached from there",
    },
    json: { ...JSON_OPTION.json, text: 'one JSON object {"version":1,"findings":[...]}' },
  },
  examples: [
    { text: "all of the configuration", line: "vipr doctor --config /etc/vipr/vipr.toml" },
    { text: "from outside the firewall", line: "vipr doctor --reach a.example:5621" },
  ],
  codes: {
    done: "all is well",
    fault: "there is a warning",
    usage: true,
    unreachable: "the worst is something that does not answer",
    refused: "an account is used elsewhere",
    portTaken: "a port",
    notWritable: "a directory",
    diskFull: true,
    damaged: true,
    clock: true,
  },
});

export const ringTable = table({
  name: "ring",
  summary: "a live overlay as one of its nodes sees it",
  usage: ["[--admin HOST:PORT | --data DIR] [--json] [--watch]"],
  options: {
    admin: { type: "string", value: "HOST:PORT", text: "the node's admin port (default 127.0.0.1:8080)" },
    data: { type: "string", value: "DIR", text: "the node's directory, which knows its admin port" },
    json: { ...JSON_OPTION.json, text: "one JSON object; docs/operator.md names its fields" },
    ...WATCH_OPTIONS,
  },
  examples: [
    { text: "by the node's directory", line: "vipr ring --data /var/lib/vipr/node" },
    { text: "every ten seconds", line: "vipr ring --watch --every 10" },
  ],
  codes: { done: true, usage: true, unreachable: "nobody answers there, or the node has not joined yet" },
});

export const explainTable = table({
  name: "explain",
  summary: "why there is a route to a number, or none",
  usage: ["NUMBER --data DIR [--tenant TENANT] [--json]"],
  about: `It shows the calls to the number, when each is or was validated, which servers claim the number, each attempt with its
method, its verdict and its worth in bits, what is missing until there is a route, and how likely it is at most that
somebody came so far by guessing.`,
  options: {
    data: {
      type: "string",
      value: "DIR",
      text: "the directory of a ViPR server. A running one is asked by its admin port; where none runs its store is read, and that is said first. vipr demo --data DIR has one for each company, DIR/<domain>",
    },
    tenant: {
      type: "string",
      value: "TENANT",
      text: "as that company sees it, where several share the server; without it the server's own",
    },
    json: {
      ...JSON_OPTION.json,
      text: 'one JSON object instead: number, source ("server" or "store"), story; times in milliseconds since 1970, those of calls since 1900',
    },
  },
  words: [1, 1],
  notes: `A report goes when its number was not heard of for 60 days. The number is printed whole, as the server's operator may
see it.`,
  examples: [{ text: "a number that was called", line: "vipr explain +49305550901 --data /var/lib/vipr/server" }],
  codes: {
    done: true,
    fault: "nothing is known of the number",
    usage: true,
    unreachable: "no server answers and there is no store",
    refused: "there is no such tenant",
    inUse: "a server runs that has no admin port",
    notWritable: "DIR cannot be read",
    damaged: true,
  },
});
