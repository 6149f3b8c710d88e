/** Tickets by hand: what is minted is good for its number and domain and for nothing else; files, texts and the HTTP check. */
import { ok, deepStrictEqual as same } from "node:assert";
import { request as httpRequest } from "node:http";
import { Effect } from "effect";
import fc from "fast-check";
import { Seals } from "../../actors/ports/mod.ts";
import { e164 } from "../../codecs/shared/mod.ts";
import { readTicket } from "../../codecs/ticket/mod.ts";
import { check, numberIn, sealsOf } from "../../runtime/cli/ticket-check.ts";
import { inspect, type MintWishes, mint, verify } from "../../runtime/cli/ticket-orders.ts";
import { type TicketSecrets, ticketSecretsIn } from "../../runtime/cli/ticket-secrets.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { CHECK_DOMAINS_MAX, serveChecks } from "../../runtime/ticket-service.ts";
import { runs, test, testEffect } from "../kit/harness.ts";

const NOW = Date.UTC(2026, 10, 30, 12);
const DAY_MS = 86_400_000;
const NUMBER = e164("+49305550901");
const FILE = `# two epochs of one domain, and another
domain    nord.example
epoch     1
password  first-secret

domain    nord.example
epoch     2
password  second-secret
domain    sued.example
epoch     1
password  third-secret
`;
const secretsIn = (text: string): TicketSecrets => {
  const secrets = ticketSecretsIn(text);
  ok(typeof secrets !== "string", String(secrets));
  return secrets;
};
const SECRETS = secretsIn(FILE);

const wishes = (more: Partial<MintWishes> = {}): MintWishes => ({
  number: NUMBER,
  grantedTo: "acme.example",
  grantingDomain: "nord.example",
  epoch: undefined,
  lifetimeMs: undefined,
  fromMs: NOW,
  grantingNode: undefined,
  vservice: undefined,
  ...more,
});
const minted = (more: Partial<MintWishes> = {}) => Effect.map(mint(SECRETS, wishes(more)), ({ lines }) => lines[0]!);
const question = { number: NUMBER, domains: ["acme.example"], atMs: NOW };
const provided = Effect.provide(nodeLayer());

testEffect(
  "what is minted is good, for that number, that domain and that time; of the last epoch where none is named",
  Effect.gen(function* () {
    const ticket = yield* minted();
    const read = readTicket(ticket);
    ok(read.ok);
    same([read.ticket.epoch, read.ticket.number, read.ticket.grantedTo], [2, NUMBER, "acme.example"]);
    const why = (more: Partial<typeof question>) =>
      Effect.map(verify(SECRETS, { ticket, ...question, ...more }), ({ json }) => (json as { why: string | null }).why);
    same(yield* why({}), null);
    same(yield* why({ domains: ["other.example", "ACME.example."] }), null);
    same(yield* why({ number: e164("+49305550902") }), "wrongNumber");
    same(yield* why({ domains: ["evil.example"] }), "wrongDomain");
    same(yield* why({ atMs: NOW + 61 * DAY_MS }), "expired");
    same(yield* why({ atMs: NOW - DAY_MS }), "notYetValid");
    const first = secretsIn(FILE.slice(0, FILE.indexOf("domain    nord.example\nepoch     2")));
    same((yield* verify(first, { ticket, ...question })).json, { verdict: "refused", why: "unknownEpoch" });
    const forged = secretsIn(FILE.replace("second-secret", "guessed-secret"));
    same((yield* verify(forged, { ticket, ...question })).json, { verdict: "refused", why: "badIntegrity" });
  }).pipe(provided),
);

testEffect(
  "another domain's secret opens nothing: epochs are those of the granting domain",
  Effect.gen(function* () {
    const ticket = yield* minted({ epoch: 1 });
    const others = secretsIn("domain sued.example\nepoch 1\npassword first-secret\n");
    same((yield* verify(others, { ticket, ...question })).json, { verdict: "refused", why: "unknownEpoch" });
  }).pipe(provided),
);

testEffect(
  "no ticket without a secret of that domain and epoch, nor of several domains without a word which",
  Effect.gen(function* () {
    for (const more of [{ epoch: 7 }, { grantingDomain: "west.example" }, { grantingDomain: undefined }]) {
      const refused = yield* Effect.flip(mint(SECRETS, wishes(more)));
      same(refused.code, 2);
    }
  }).pipe(provided),
);

testEffect(
  "inspect shows every field, and of what is malformed the place",
  Effect.gen(function* () {
    const ticket = yield* minted({ lifetimeMs: DAY_MS });
    const shown = inspect(ticket, NOW).json as Record<string, unknown>;
    same(
      [shown.number, shown.grantedTo, shown.grantingDomain, shown.epoch, shown.notBefore, shown.notAfter, shown.state],
      [NUMBER, "acme.example", "nord.example", 2, "2026-11-30T12:00:00.000Z", "2026-12-01T12:00:00.000Z", "valid"],
    );
    same(Object.keys(shown).length, 13);
    same((inspect(ticket, NOW + 2 * DAY_MS).json as typeof shown).state, "expired");
    ok(!JSON.stringify(shown).includes("secret"));
    for (const [text, where] of [
      ["", /^Ticket/],
      [`${ticket.slice(0, 8)}!${ticket.slice(9)}`, /^character 9 is not of base64/],
      [ticket.slice(0, -1), /characters are no whole groups of 4/],
      [ticket.slice(0, 80), /^Ticket\.validity/],
      [`${ticket} `, /^character/],
      ["A".repeat(1_028), /^1028 characters, more than 1024/],
    ] as const) {
      const { isGood, json } = inspect(text, NOW);
      ok(
        !isGood && where.test((json as { malformed: string }).malformed),
        `${text.slice(0, 20)}: ${JSON.stringify(json)}`,
      );
    }
  }).pipe(provided),
);

test("any text is shown or is malformed at a place", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      const { isGood, lines } = inspect(text, NOW);
      ok(!isGood && lines.length === 1 && lines[0]!.startsWith("malformed: "));
    }),
    { numRuns: runs },
  );
});

test("the secrets' file: any text gives secrets or one reason, which holds no password", () => {
  const words = fc.constantFrom(
    "domain",
    "epoch",
    "password",
    "nord.example",
    "2",
    "top-secret",
    "300",
    "#",
    "\n",
    " ",
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 40 }), (all) => {
      const read = ticketSecretsIn(all.join(" "));
      if (typeof read === "string") ok(!read.includes("top-secret"), read);
      else ok([...read.values()].flat().every(({ epoch, password }) => epoch >= 1 && epoch <= 255 && password !== ""));
    }),
    { numRuns: runs },
  );
  for (const [text, why] of [
    ["", /holds no secret/],
    ["domain nord.example\nepoch 1\n", /ends before a password/],
    ["password x\n", /^line 1: a password before its domain/],
    ["domain nord.example\nepoch 256\n", /^line 2: an epoch/],
    ["domain a b\n", /^line 1: wants/],
    ["domain 192.0.2.1\n", /^line 1: not a DNS name/],
    [`${FILE}domain nord.example\nepoch 2\npassword x\n`, /^line 14: epoch 2 of nord.example twice/],
    [
      FILE.split("\n")
        .flatMap((line) => [line, ""])
        .join("\r\n"),
      undefined,
    ],
  ] as const) {
    const read = ticketSecretsIn(text);
    ok(why === undefined ? typeof read !== "string" : typeof read === "string" && why.test(read), String(read));
  }
});

test("docs/protocol/ticket.md: the number that is compared is a + and digits, however a proxy writes it", () => {
  for (const text of [
    "+49305550901",
    "+49-30-555(09)01",
    "+49305550901;phone-context=x",
    "+49305550901@border.example",
    "sip:+49305550901@nord.example;user=phone",
    "sips:+49305550901@nord.example:5061",
    "tel:+49-30-5550901",
  ])
    same(numberIn(text), NUMBER, text);
  for (const text of ["49305550901", "0049305550901", "alice", "", "+", "+4930555090a", "sip:alice@h", "tel:5550901"])
    same(numberIn(text), undefined, text);
});

const TOKEN = "a token";
interface Got {
  readonly status: number;
  readonly body: string;
}
const get = (port: number, path: string, more: { token?: string; method?: string } = {}) =>
  Effect.promise(
    () =>
      new Promise<Got>((resolve, reject) => {
        const { token = TOKEN, method = "GET" } = more;
        const out = httpRequest(
          { host: "127.0.0.1", port, path, method, headers: { authorization: `Bearer ${token}` } },
          (response) => {
            let body = "";
            response.on("data", (part) => (body += part));
            response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
          },
        );
        out.on("error", reject);
        out.end();
      }),
  );

testEffect(
  "GET /check: good, refused with the reason, and every question that is none",
  Effect.gen(function* () {
    const ticket = yield* minted();
    const seals = yield* sealsOf(SECRETS, yield* Seals);
    const { port } = yield* serveChecks(
      { host: "127.0.0.1", port: 0 },
      { token: TOKEN, check: (asked) => check(seals, { ...asked, atMs: NOW }) },
    );
    const asked = (parts: Record<string, string>, more = "") =>
      Effect.map(
        get(
          port,
          `/check?${Object.entries(parts)
            .map(([name, value]) => `${name}=${value}`)
            .join("&")}${more}`,
        ),
        ({ status, body }) => [status, JSON.parse(body)] as const,
      );
    const right = { ticket, number: NUMBER, domain: "acme.example" };
    const [status, good] = yield* asked(right);
    same([status, good.verdict, good.why, good.domain], [200, "good", null, "acme.example"]);
    const escaped = { ...right, ticket: encodeURIComponent(ticket), number: "%2B49305550901" };
    same((yield* asked(escaped))[1].verdict, "good");
    same((yield* asked({ ...right, domain: "x.example" }, "&domain=acme.example&domain="))[1].verdict, "good");
    for (const [parts, why] of [
      [{ ...right, ticket: "" }, "missing"],
      [{ number: NUMBER, domain: "acme.example" }, "missing"],
      [{ ...right, ticket: "garbage" }, "malformed"],
      [{ ...right, number: "49305550901" }, "wrongNumber"],
      [{ ...right, number: "" }, "wrongNumber"],
      [{ ...right, domain: "evil.example" }, "wrongDomain"],
      [{ ticket, number: NUMBER }, "wrongDomain"],
    ] as const) {
      const [status, { verdict, why: said }] = yield* asked(parts);
      same([status, verdict, said], [200, "refused", why]);
    }
    const lines = yield* get(port, `/check?ticket=${ticket}&number=${NUMBER}&domain=acme.example&format=line`);
    ok(/^good acme\.example [0-9a-f]{32}\n$/.test(lines.body));
    same((yield* get(port, `/check?ticket=&number=${NUMBER}&format=line`)).body, "refused missing\n");
    const statusOf = (path: string, more = {}) => Effect.map(get(port, path, more), ({ status }) => status);
    same(yield* statusOf("/check?ticket=x"), 400);
    same(yield* statusOf(`/check?number=${NUMBER}&number=${NUMBER}`), 400);
    same(yield* statusOf(`/check?number=%FF`), 400);
    same(yield* statusOf(`/check?number=1${"&domain=a".repeat(CHECK_DOMAINS_MAX + 1)}`), 400);
    same(yield* statusOf(`/check?number=1&format=xml`), 400);
    same(yield* statusOf(`/check?number=${"1".repeat(6_200)}`), 414);
    same(yield* statusOf("/other"), 404);
    same(yield* statusOf("/check", { method: "POST" }), 405);
    same(yield* statusOf(`/check?number=1`, { token: "another" }), 401);
  }).pipe(Effect.scoped, provided),
);
