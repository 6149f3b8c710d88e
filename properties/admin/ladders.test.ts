/** Calls as ladders: grouped by their tags, masked, bounded, and read when somebody asks. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { type AdminRequest, LADDERS_KEPT_MAX, type Ladder, makeLadders, withLadders } from "../../actors/admin/mod.ts";
import { MESSAGES_KEPT_MAX, makeMessageLog } from "../../actors/proxy/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { callLabel, parseSip, type SipMessage } from "../../codecs/sip/mod.ts";
import { test, testEffect } from "../kit/harness.ts";

const AGENT = { transport: "UDP", own: 0, host: "192.0.2.1", port: 5_060, stream: 0 } as const;
const OTHER = {
  transport: "TLS",
  own: 1,
  host: "198.51.100.7",
  port: 5_061,
  stream: 3,
  domain: "nord.example",
} as const;
const TICKET = "secret-of-a-ticket";

interface Parts {
  readonly start?: string;
  readonly from?: string;
  readonly to?: string;
  readonly cseq?: string;
}
/** One message of a call from +14085550199 to +493012345678. */
const bytesOf = ({
  start = "INVITE sip:+493012345678@nord.example SIP/2.0",
  from = "a1",
  to,
  cseq = "1 INVITE",
}: Parts) =>
  utf8(
    [
      start,
      "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1",
      `From: "Alice Example" <sip:+14085550199@acme.example>;tag=${from}`,
      `To: <sip:+493012345678@nord.example>${to === undefined ? "" : `;tag=${to}`}`,
      "Call-ID: +14085550199@192.0.2.1",
      `CSeq: ${cseq}`,
      `X-Cisco-ViPR-Ticket: ${TICKET}`,
      "Max-Forwards: 70",
      "Content-Length: 0",
      "",
      "",
    ].join("\r\n"),
  );
const messageOf = (parts: Parts): SipMessage => {
  const read = parseSip(bytesOf(parts));
  if (!read.ok) throw new Error(read.error.why);
  return read.value;
};

const world = () => {
  let nowMs = 1_000;
  const log = makeMessageLog(() => nowMs);
  const ladders = makeLadders(log, ({ own }) =>
    own === 0 ? { side: "inside", name: "agent1" } : { side: "outside", name: "nord.example" },
  );
  return {
    log,
    ladders,
    later: () => {
      nowMs += 10;
    },
  };
};

test("ladders: a call in and out, answered and hung up by the other end, is one ladder in its order", () => {
  const { log, ladders, later } = world();
  log.received(AGENT, messageOf({}));
  later();
  log.sent(OTHER, bytesOf({}));
  same(ladders.newest()[0]?.state, "ringing");
  log.received(OTHER, messageOf({ start: "SIP/2.0 180 Ringing", to: "b2" }));
  later();
  log.received(OTHER, messageOf({ start: "SIP/2.0 200 OK", to: "b2" }));
  const [up] = ladders.newest();
  same([up?.state, up?.status, up?.messages], ["up", 200, 4]);
  // Hung up by the called end: its tag stands in From.
  log.received(OTHER, messageOf({ start: "BYE sip:a@192.0.2.1 SIP/2.0", from: "b2", to: "a1", cseq: "7 BYE" }));
  log.sent(OTHER, bytesOf({ start: "SIP/2.0 200 OK", from: "b2", to: "a1", cseq: "7 BYE" }));
  const all = ladders.newest();
  same(all.length, 1);
  same([all[0]?.id, all[0]?.calling, all[0]?.called, all[0]?.state], [callLabel("a1"), "+14…99", "+49…78", "over"]);
  const ladder = ladders.of(callLabel("a1")) as Ladder;
  same(
    ladder.messages.map(({ atMs, isSent, with: { side }, method, status }) => [atMs, isSent, side, method, status]),
    [
      [1_000, false, "inside", "INVITE", null],
      [1_010, true, "outside", "INVITE", null],
      [1_010, false, "outside", "INVITE", 180],
      [1_020, false, "outside", "INVITE", 200],
      [1_020, false, "outside", "BYE", null],
      [1_020, true, "outside", "BYE", 200],
    ],
  );
});

test("ladders: no whole number, no name, no Call-ID and no ticket is in them", () => {
  const { log, ladders } = world();
  log.received(AGENT, messageOf({}));
  log.sent(OTHER, bytesOf({ start: "SIP/2.0 404 Not Found", to: "b2" }));
  const text = JSON.stringify([ladders.newest(), ladders.of(callLabel("a1"))]);
  ok(text.includes('"failed"') && text.includes("+14…99"), text);
  for (const secret of [TICKET, "4085550199", "3012345678", "Alice", "192.0.2.1", '"a1"'])
    ok(!text.includes(secret), secret);
});

test("ladders: what opens no call is in none; so many are kept, those that began last", () => {
  const { log, ladders } = world();
  log.received(AGENT, messageOf({ start: "OPTIONS sip:nord.example SIP/2.0", from: "o", cseq: "1 OPTIONS" }));
  log.received(AGENT, messageOf({ start: "INVITE sip:x@nord.example SIP/2.0", from: "r", to: "of-before" }));
  same(ladders.newest(), []);
  for (let i = 0; i < LADDERS_KEPT_MAX + 5; i += 1) log.received(AGENT, messageOf({ from: `t${i}` }));
  same(ladders.newest()[0]?.id, callLabel(`t${LADDERS_KEPT_MAX + 4}`));
  same(ladders.of(callLabel("t4")), undefined);
  same(ladders.of(callLabel("t5"))?.messages.length, 1);
});

test("ladders: the newest messages are kept, whatever has come, and a call of very many is cut", () => {
  const { log, ladders } = world();
  for (let i = 0; i < MESSAGES_KEPT_MAX + 100; i += 1)
    log.received(AGENT, messageOf({ from: i < 100 ? "old" : "new" }));
  same(ladders.of(callLabel("old")), undefined);
  const { messages, more } = ladders.of(callLabel("new")) as Ladder;
  same(messages.length + more, MESSAGES_KEPT_MAX);
  ok(messages.length < 200);
});

testEffect(
  "ladders: the admin port gives the list and one call, to this machine's own names, by GET",
  Effect.gen(function* () {
    const { log, ladders } = world();
    log.received(AGENT, messageOf({}));
    const handle = withLadders(ladders, () => Effect.succeed({ status: 418, body: "" }));
    const asked: AdminRequest = {
      method: "GET",
      path: "/ladders.json",
      host: "127.0.0.1:1",
      authorization: "",
      body: "",
    };
    const statusOf = (more: Partial<AdminRequest>) => Effect.map(handle({ ...asked, ...more }), ({ status }) => status);
    same(yield* handle(asked), { status: 200, body: { ladders: ladders.newest() } });
    same(yield* statusOf({ path: `/ladders/${callLabel("a1")}` }), 200);
    same(yield* statusOf({ path: "/ladders/0000000000000000" }), 404);
    same(yield* statusOf({ host: "evil.example" }), 421);
    same(yield* statusOf({ method: "POST" }), 405);
    same(yield* statusOf({ path: "/calls.json" }), 418);
  }),
);
