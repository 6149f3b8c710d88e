/**
 * The Kamailio of docs/integrations/kamailio-border.md as border element: mutual TLS outside, tickets checked by our service.
 *
 *   TLS client of ours --> Kamailio --GET /check--> checker
 *                             +--UDP--> sipp, the exchange
 */
import { match, ok, deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import tls from "node:tls";
import { Effect } from "effect";
import { Seals } from "../../actors/ports/mod.ts";
import { e164 } from "../../codecs/shared/mod.ts";
import { check, sealsOf } from "../../runtime/cli/ticket-check.ts";
import { type MintWishes, mint } from "../../runtime/cli/ticket-orders.ts";
import { ticketSecretsIn } from "../../runtime/cli/ticket-secrets.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { serveChecks } from "../../runtime/ticket-service.ts";
import { bound } from "./bound.ts";
import { ended, freePort, HOST, outputOf, peer } from "./peers.ts";
import type { InteropCheck } from "./run.ts";

const CONFIG = "docs/integrations/kamailio-border.cfg";
const TLS_CONFIG = "docs/integrations/kamailio-border-tls.cfg";
const TOKEN = "a token of the interop run";
const NUMBER = e164("+49305550901");
const DAY_MS = 86_400_000;
const ANSWER_MS = 10_000;

const secretsIn = (password: string) => {
  const secrets = ticketSecretsIn(`domain nord.example\nepoch 1\npassword ${password}\n`);
  if (typeof secrets === "string") throw new Error(secrets);
  return secrets;
};
const SECRETS = secretsIn("a-secret-of-the-interop-run");
const ticketOf = (more: Partial<MintWishes> = {}, secrets = SECRETS) =>
  Effect.map(
    mint(secrets, {
      number: NUMBER,
      grantedTo: "acme.example",
      grantingDomain: undefined,
      epoch: undefined,
      lifetimeMs: undefined,
      fromMs: Date.now(),
      grantingNode: undefined,
      vservice: undefined,
      ...more,
    }),
    ({ lines }) => lines[0]!,
  );

const openssl = (words: ReadonlyArray<string>): void => {
  const { status, stderr } = spawnSync("openssl", words);
  same(status, 0, String(stderr));
};
/** A root, and a key with a certificate for each of these domains; `self` is signed by itself. */
const certificatesIn = (folder: string): void => {
  const at = (name: string) => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl(["req", "-x509", ...key, "-subj", "/CN=root", "-keyout", at("root.key"), "-out", at("root.pem")]);
  for (const name of ["nord", "acme"]) {
    const domain = `${name}.example`;
    openssl([
      "req",
      ...key.slice(0, -2),
      "-subj",
      `/CN=${domain}`,
      "-keyout",
      at(`${name}.key`),
      "-out",
      at(`${name}.csr`),
    ]);
    writeFileSync(at(`${name}.ext`), `subjectAltName=DNS:${domain}\n`);
    const by = ["-CA", at("root.pem"), "-CAkey", at("root.key"), "-CAcreateserial", "-extfile", at(`${name}.ext`)];
    openssl(["x509", "-req", "-in", at(`${name}.csr`), ...by, "-days", "2", "-out", at(`${name}.pem`)]);
  }
  const alt = ["-addext", "subjectAltName=DNS:acme.example"];
  openssl([
    "req",
    "-x509",
    ...key,
    "-subj",
    "/CN=acme.example",
    ...alt,
    "-keyout",
    at("self.key"),
    "-out",
    at("self.pem"),
  ]);
};

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-kamailio-border-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

const ANSWERING = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="answers"><recv request="INVITE"/><send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port]>
Content-Length: 0

]]></send><timewait milliseconds="1000"/></scenario>
`;

interface Border {
  readonly port: number;
  readonly at: (name: string) => string;
  /** INVITEs that reached the exchange. */
  readonly inside: () => ReadonlyArray<string>;
}
const border = Effect.fn("interop.border")(function* (checker: "up" | "away" | "wrongToken" = "up") {
  const path = yield* folder;
  const at = (name: string) => join(path, name);
  certificatesIn(path);
  const seals = yield* sealsOf(SECRETS, yield* Seals);
  const awayPort = yield* freePort;
  const service =
    checker === "away"
      ? { port: awayPort }
      : yield* serveChecks(
          { host: HOST, port: 0 },
          {
            token: checker === "up" ? TOKEN : "another token",
            check: (asked) => check(seals, { ...asked, atMs: Date.now() }),
          },
        );
  const config = readFileSync(TLS_CONFIG, "utf8")
    .replaceAll("/etc/kamailio/nord-key.pem", at("nord.key"))
    .replaceAll("/etc/kamailio/nord-chain.pem", at("nord.pem"))
    .replaceAll("/etc/kamailio/vipr-roots.pem", at("root.pem"));
  writeFileSync(at("tls.cfg"), config);
  writeFileSync(at("answering.xml"), ANSWERING);
  const [outside, within, exchange] = [yield* freePort, yield* freePort, yield* freePort];
  const log = at("exchange.log");
  yield* peer("sipp", [
    ...["-sf", at("answering.xml"), "-i", HOST, "-p", String(exchange), "-nostdin"],
    ...["-trace_msg", "-message_file", log],
  ]);
  const defined = {
    INSIDE: `sip:${HOST}:${exchange}`,
    INSIDE_HOST: HOST,
    TLS_CONFIG: at("tls.cfg"),
    CHECK_URL: `http://${HOST}:${service.port}/check`,
    CHECK_TOKEN: TOKEN,
  };
  const words = Object.entries(defined).flatMap(([name, value]) => ["-A", `${name}="${value}"`]);
  words.push("-A", `OUTSIDE=tls:${HOST}:${outside}`, "-A", `WITHIN=udp:${HOST}:${within}`);
  const proxy = yield* peer("kamailio", ["-f", CONFIG, "-DD", "-E", "-w", path, "-Y", path, "-m", "64", ...words]);
  // Its workers are children, which it ends itself when it is asked to.
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.sync(() => proxy.child.kill("SIGTERM")),
      Effect.timeoutOption(ended(proxy.child), 5_000),
    ),
  );
  yield* bound(exchange, "UDP");
  yield* bound(outside, "TCP", proxy.said);
  yield* bound(within, "UDP", proxy.said);
  const inside = () =>
    existsSync(log)
      ? readFileSync(log, "utf8")
          .split(/^-{3,}.*$/m)
          .filter((text) => /^INVITE /m.test(text))
      : [];
  return { port: outside, at, inside } satisfies Border;
});

const SAVP = `v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${"A".repeat(40)}\r\n`;

interface Invite {
  readonly tickets: ReadonlyArray<string>;
  readonly uri?: string;
  readonly body?: string;
  readonly lines?: ReadonlyArray<string>;
}
let calls = 0;
const inviteOf = ({
  tickets,
  uri = `sip:${NUMBER}@nord.example;user=phone`,
  body = SAVP,
  lines = [],
}: Invite): string => {
  const id = `${process.pid}-${++calls}`;
  return [
    `INVITE ${uri} SIP/2.0`,
    `Via: SIP/2.0/TLS acme.example;branch=z9hG4bK${id};rport`,
    "Max-Forwards: 70",
    `From: <sip:+14085550201@acme.example>;tag=${id}`,
    `To: <${uri}>`,
    `Call-ID: ${id}`,
    "CSeq: 1 INVITE",
    "Contact: <sip:acme.example;transport=tls>",
    "P-Asserted-Identity: <sip:+14085550299@acme.example>",
    ...tickets.map((ticket) => `X-Cisco-ViPR-Ticket: ${ticket}`),
    ...lines,
    "Content-Type: application/sdp",
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
};

/** The final status of an INVITE, or why there was no connection. */
const finalOf = ({ port, at }: Border, text: string, credentials: tls.ConnectionOptions | string = "acme") =>
  Effect.callback<number | string>((resume) => {
    const shown =
      typeof credentials === "string"
        ? { cert: readFileSync(at(`${credentials}.pem`)), key: readFileSync(at(`${credentials}.key`)) }
        : credentials;
    const ca = readFileSync(at("root.pem"));
    const socket = tls.connect({ host: HOST, port, ca, servername: "nord.example", ...shown });
    const end = (found: number | string) => {
      clearTimeout(timer);
      socket.destroy();
      resume(Effect.succeed(found));
    };
    const timer = setTimeout(() => end("no answer"), ANSWER_MS);
    let heard = "";
    socket.on("secureConnect", () => socket.write(text));
    socket.on("data", (bytes) => {
      heard += bytes;
      for (const [, status] of heard.matchAll(/^SIP\/2\.0 ([0-9]{3}) /gm))
        if (Number(status) >= 200) return end(Number(status));
    });
    socket.on("error", (error) => end(error.message));
    socket.on("close", () => end("closed"));
  });

const scoped = (work: Effect.Effect<void, any, any>) => async (): Promise<void> => {
  await Effect.runPromise(work.pipe(Effect.scoped, Effect.provide(nodeLayer())) as Effect.Effect<void>);
};
const needs = ["kamailio", "sipp", "openssl"];

export const checks: ReadonlyArray<InteropCheck> = [
  {
    name: "integrations: Kamailio as border element passes a call with a good ticket inward, without the ticket",
    needs,
    run: scoped(
      Effect.gen(function* () {
        const at = yield* border();
        same(yield* finalOf(at, inviteOf({ tickets: [yield* ticketOf()] })), 200);
        const [invite] = at.inside();
        match(invite!, /^INVITE sip:\+49305550901@nord\.example;user=phone SIP/m);
        ok(!/X-Cisco-ViPR-Ticket|P-Asserted-Identity/i.test(invite!), invite);
        match(invite!, /^Record-Route: .*transport=tls/m);
      }),
    ),
  },
  {
    name: "integrations: Kamailio as border element refuses each ticket that is not good, and media in the clear",
    needs,
    run: scoped(
      Effect.gen(function* () {
        const at = yield* border();
        const good = yield* ticketOf();
        const cases: ReadonlyArray<readonly [what: string, status: number, invite: Invite]> = [
          ["none", 403, { tickets: [] }],
          ["twice", 403, { tickets: [good, good] }],
          ["garbage", 403, { tickets: ["garbage"] }],
          ["cut", 403, { tickets: [good.slice(0, 80)] }],
          ["of another number", 403, { tickets: [good], uri: "sip:+49305550902@nord.example;user=phone" }],
          ["without +", 403, { tickets: [good], uri: "sip:49305550901@nord.example" }],
          ["for another domain", 403, { tickets: [yield* ticketOf({ grantedTo: "evil.example" })] }],
          ["forged", 403, { tickets: [yield* ticketOf({}, secretsIn("guessed"))] }],
          ["expired", 403, { tickets: [yield* ticketOf({ fromMs: Date.now() - 90 * DAY_MS })] }],
          ["RTP/AVP", 488, { tickets: [good], body: SAVP.replace("SAVP", "AVP") }],
          ["UNENCRYPTED_SRTP", 488, { tickets: [good], body: SAVP.replace("A\r\n", "A UNENCRYPTED_SRTP\r\n") }],
          ["Replaces", 403, { tickets: [good], lines: ["Replaces: a@b;from-tag=1;to-tag=2"] }],
        ];
        for (const [what, status, invite] of cases) same(yield* finalOf(at, inviteOf(invite)), status, what);
        same(at.inside(), []);
      }),
    ),
  },
  {
    name: "integrations: Kamailio as border element takes nobody without a certificate of ours, nor old TLS",
    needs,
    run: scoped(
      Effect.gen(function* () {
        const at = yield* border();
        const text = inviteOf({ tickets: [yield* ticketOf()] });
        for (const credentials of ["self", {}] as const) {
          const found = yield* finalOf(at, text, credentials);
          ok(typeof found === "string", `${JSON.stringify(credentials)}: ${found}`);
        }
        const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" } as const;
        const shown = { cert: readFileSync(at.at("acme.pem")), key: readFileSync(at.at("acme.key")), ...old };
        ok(typeof (yield* finalOf(at, text, shown)) === "string");
        same(at.inside(), []);
        same(yield* finalOf(at, text), 200);
      }),
    ),
  },
  {
    name: "integrations: Kamailio as border element lets nobody in while the checker is away, or takes another token",
    needs,
    run: scoped(
      Effect.gen(function* () {
        for (const checker of ["away", "wrongToken"] as const) {
          const at = yield* border(checker);
          same(yield* finalOf(at, inviteOf({ tickets: [yield* ticketOf()] })), 503, checker);
          same(at.inside(), []);
        }
      }),
    ),
  },
  {
    name: "integrations: the Kamailio of the package reads the border element's configuration",
    needs: ["kamailio"],
    run: async () => void (await outputOf("kamailio", ["-c", "-E", "-f", CONFIG, "-A", `TLS_CONFIG="${TLS_CONFIG}"`])),
  },
];
