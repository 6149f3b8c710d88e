/** The table of `vipr node`. */
import { JSON_OPTION, MEMBER_CODES, MEMBER_OPTIONS } from "../shared.ts";
import { table } from "../spec.ts";

const NAMED = ["data", "vservice", "json", "log", "verbose"] as const;
const RUNNING = `It asks the running node through the admin port that DIR/admin.json names.`;

export const nodeTable = table({
  name: "node",
  summary: "a node of an overlay; also publishes and finds numbers",
  usage: [
    "--data DIR --authority https://HOST:8443 --fingerprint sha256:... --user NAME",
    "--data DIR                         (when it has enrolled)",
  ],
  about: "It enrols once, and keeps its key and its values in a directory.",
  options: {
    ...MEMBER_OPTIONS,
    vservice: { type: "string", default: "0", value: "HEX", text: "whose number it is within this node (default 0)" },
    ...JSON_OPTION,
  },
  own: [
    "data",
    "authority",
    "fingerprint",
    "root",
    "name",
    "user",
    "password-file",
    "listen",
    "advertise",
    "admin",
    "log",
    "verbose",
  ],
  orders: {
    publish: {
      summary: "tells the overlay that this node serves a number, for seven days",
      usage: ["NUMBER [--vservice HEX] --data DIR"],
      about: RUNNING,
      words: [1, 1],
      options: NAMED,
      examples: [{ text: "one number", line: "vipr node publish +49305550901 --data /var/lib/vipr/node" }],
    },
    withdraw: {
      summary: "takes it back",
      usage: ["NUMBER [--vservice HEX] --data DIR"],
      about: RUNNING,
      words: [1, 1],
      options: NAMED,
      examples: [{ text: "one number", line: "vipr node withdraw +49305550901 --data /var/lib/vipr/node" }],
    },
    find: {
      summary: "which nodes say that they serve a number: Node-ID and VService, a line each",
      usage: ["NUMBER --data DIR [--json]"],
      about: RUNNING,
      words: [1, 1],
      options: NAMED,
      examples: [{ text: "as a JSON object", line: "vipr node find +49305550901 --data /var/lib/vipr/node --json" }],
    },
  },
  notes: `The log goes to standard error, a line an event; it holds no password and no telephone number.
SIGTERM and SIGINT end the node politely: others get what it holds, then 0 is the exit code.`,
  examples: [
    {
      text: "the first start, with an account at the authority",
      line: "vipr node --data /var/lib/vipr/node --authority https://192.0.2.1:8443 \\\n  --fingerprint sha256:b5d0...17 --user a",
    },
    { text: "each later start", line: "vipr node --data /var/lib/vipr/node" },
  ],
  codes: MEMBER_CODES,
});
