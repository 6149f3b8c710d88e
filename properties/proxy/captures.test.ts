/**
 * What a real exchange and its trunks said, through the proxy: everything that is not a proxy's to change arrives byte for
 * byte, each call ends as on the wire, and its record has the wire's times.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import type { OwnAddress, SipPeer } from "../../machines/proxy/mod.ts";
import { test } from "../kit/harness.ts";
import { type Captured, captured, captureNames, linesOf, untouchable, withLines } from "./captures.ts";
import { type Place, type Sent, World } from "./world.ts";

const ASTERISK = "127.0.0.11";
const US = "127.0.0.99";
const own: ReadonlyArray<OwnAddress> = [
  { transport: "UDP", host: US, port: 5060, side: undefined },
  { transport: "TCP", host: US, port: 5060, side: undefined },
  { transport: "TLS", host: US, port: 5061, side: undefined },
];
const OUTSIDE: Record<string, string> = {
  trunk1: "127.0.0.21",
  trunk2: "127.0.0.22",
  trunktls: "127.0.0.23",
  proxy: "127.0.0.24",
  trunktcp: "127.0.0.25",
  registrar: "127.0.0.26",
};
const transportOf = (who: string) => (who === "trunktls" ? "TLS" : who === "trunktcp" ? "TCP" : "UDP");
const OWN_URIS: Record<string, string> = {
  UDP: `<sip:${US}:5060;lr>`,
  TCP: `<sip:${US}:5060;transport=tcp;lr>`,
  TLS: `<sip:${US}:5061;transport=tls;lr>`,
};
const portOf = (transport: string) => (transport === "TLS" ? 5061 : 5060);
const peersFor = (who: string): ReadonlyArray<SipPeer> => {
  const transport = transportOf(who);
  const port = portOf(transport);
  return [
    { name: "pbx", side: "pbx", transport, host: ASTERISK, port },
    ...Object.entries(OUTSIDE).map(([name, host]): SipPeer => {
      const transport = transportOf(name);
      return { name, side: "trunk", transport, host, port: portOf(transport) };
    }),
  ];
};

const startOf = (text: string) => text.slice(0, text.indexOf("\r\n"));
const statusOf = (text: string) => Number(/^SIP\/2\.0 (\d+)/.exec(text)?.[1] ?? 0);
const methodOf = (text: string) => linesOf(text, "CSeq")[0]!.split(" ")[1]!;
const isTagged = (text: string) => /;tag=/.test(linesOf(text, "To")[0]!);
const textOf = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

/** Plays one file. Each message is put on the wire as its sender would have written it, had we been there. */
class Play {
  readonly world: World;
  private readonly startMs: number;
  private readonly transport: "UDP" | "TCP" | "TLS";
  /** Requests as they left us, by transaction: their answers carry our Via and Record-Route. */
  private readonly left = new Map<string, string>();
  private readonly refused = new Set<string>();
  passed = 0;

  constructor(messages: ReadonlyArray<Captured>) {
    const [{ who }] = messages as [Captured];
    this.transport = transportOf(who);
    this.world = new World({
      own,
      peers: peersFor(who),
      route: (request) => ({ trunks: namesOf(request.uri, messages[0]!.who) }),
    });
    this.startMs = this.world.nowMs;
  }

  play({ from, who, atMs, text }: Captured) {
    this.world.pass(Math.max(0, this.startMs + atMs - this.world.nowMs));
    const key = `${linesOf(text, "Call-ID")[0]} ${linesOf(text, "CSeq")[0]!.split(" ")[0]}`;
    const said = this.saidBy(text, key);
    const sent = this.world.from(this.placeOf(from, who), said).filter(({ message }) => !isTrying(message));
    const status = statusOf(text);
    const isRefusal = status >= 300 && methodOf(text) === "INVITE";
    for (const { message, bytes } of sent)
      if (message.type === "request" && message.method !== "ACK")
        this.left.set(`${key} ${message.method}`, textOf(bytes));
    if (status === 100 || (methodOf(text) === "CANCEL" && status > 0)) return same(sent, []);
    if (startOf(text).startsWith("ACK ") && this.refused.has(key)) return same(sent, []);
    if (isRefusal) this.refused.add(key);
    const onward = sent.filter(({ to }) => (to.host === ASTERISK) === (from === "trunk"));
    if (startOf(text).startsWith("CANCEL ")) return this.cancelled(sent, onward, text);
    same(onward.length, 1, `${startOf(text)} of ${from}: ${sent.length} messages`);
    same(untouchable(textOf(onward[0]!.bytes)), untouchable(said));
    this.passed += 1;
  }

  /** A CANCEL is each hop's own; why it was sent is told on. */
  private cancelled(sent: ReadonlyArray<Sent>, onward: ReadonlyArray<Sent>, text: string): void {
    same(
      sent.filter(({ to }) => to.host === ASTERISK).map(({ message }) => message.type),
      ["response"],
    );
    same(onward.length, 1);
    same(linesOf(textOf(onward[0]!.bytes), "Reason"), linesOf(text, "Reason"));
    this.passed += 1;
  }

  private saidBy(text: string, key: string): string {
    if (statusOf(text) > 0) {
      const request = this.left.get(`${key} ${methodOf(text)}`);
      ok(request !== undefined, `no request for ${startOf(text)}`);
      const answered = withLines(text, "Via", linesOf(request, "Via"));
      const records = statusOf(text) === 100 ? [] : linesOf(request, "Record-Route");
      return withLines(answered, "Record-Route", records);
    }
    const isHopByHop = startOf(text).startsWith("CANCEL ") || this.refused.has(key);
    if (!isTagged(text) || isHopByHop) return text;
    return withLines(text, "Route", [OWN_URIS[this.transport]!]);
  }

  private placeOf(from: "pbx" | "trunk", who: string): Place {
    const { transport } = this;
    const host = from === "pbx" ? ASTERISK : OUTSIDE[who]!;
    const index = own.findIndex((address) => address.transport === transport);
    return {
      host,
      port: portOf(transport),
      transport,
      own: index,
      stream: transport === "UDP" ? 0 : from === "pbx" ? 1 : 2,
    };
  }
}
const isTrying = (message: Sent["message"]) => message.type === "response" && message.status === 100;
const namesOf = (uri: string, first: string): ReadonlyArray<string> => {
  const named = Object.keys(OUTSIDE).filter((name) => uri.includes(OUTSIDE[name]!));
  return named.length > 0 ? named : [first];
};

/** Dialogs of the capture that were answered and hung up, with the times of both. */
const callsOn = (messages: ReadonlyArray<Captured>) => {
  const calls = new Map<string, { startMs?: number; stopMs?: number }>();
  for (const { text, atMs } of messages) {
    const callId = linesOf(text, "Call-ID")[0]!;
    const call = calls.get(callId) ?? {};
    if (statusOf(text) === 200 && methodOf(text) === "INVITE") call.startMs ??= atMs;
    if (startOf(text).startsWith("BYE ")) call.stopMs ??= atMs;
    calls.set(callId, call);
  }
  return [...calls.values()].filter(({ startMs, stopMs }) => startMs !== undefined && stopMs !== undefined);
};

for (const name of captureNames())
  test(`capture ${name.replace(/\.txt$/, "")}`, () => {
    const messages = captured(name);
    const play = new Play(messages);
    for (const message of messages) play.play(message);
    ok(play.passed >= 2 || messages.length <= 3, `${play.passed} passed`);
    const { world } = play;
    const expected = callsOn(messages);
    const times = world.ended.map(({ startMs, stopMs }) => stopMs - startMs).sort();
    const truth = expected.map(({ startMs, stopMs }) => stopMs! - startMs!).sort();
    same(times.length, truth.length);
    for (const [i, ms] of times.entries()) ok(Math.abs(ms - truth[i]!) <= 1, `${ms} ms instead of ${truth[i]}`);
    world.pass(300_000);
    same({ ...world.core.size, calls: 0 }, { transactions: 0, calls: 0, bytes: 0 });
  });
