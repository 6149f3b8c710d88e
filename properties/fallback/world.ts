/**
 * Two companies in memory, each with a telephone, a call agent, a border element and our own relay, and a telephone network
 * between the agents. The sound on the Internet can be cut; time is virtual.
 *
 *   telephone A -- agent A --+-- trunk -----------------------+-- agent B -- telephone B
 *              `-- relay A --+== border, TLS; SRTP: cut() ====+-- relay B --'
 */
import { Effect } from "effect";
import { serveBorder } from "../../actors/border/mod.ts";
import { openFallback } from "../../actors/fallback/mod.ts";
import {
  type ControlledMoves,
  type MediaRelayShape,
  openEmbeddedRelay,
  openMediaControl,
  serveMediaControl,
} from "../../actors/media/mod.ts";
import { Datagrams } from "../../actors/ports/mod.ts";
import { type AgentProxyOptions, serveAgentProxy } from "../../actors/proxy/mod.ts";
import { openTicketIssuer } from "../../actors/ticket/mod.ts";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { headerOf, printSdp, type Sdp, type SipMessage, sessionIn } from "../../codecs/sip/mod.ts";
import { numbersBy, type TrunkCredentials } from "../../machines/fallback/mod.ts";
import { QUALITY_DEFAULTS } from "../../machines/media/mod.ts";
import type { CallReport, SipPeer } from "../../machines/proxy/mod.ts";
import { audio, type End, openEnd, rtp } from "../media/ends.ts";
import { acme, berlin } from "../numbers/arbitrary.ts";
import { openPhone } from "../proxy/phone.ts";
import { answer, invite, within } from "../proxy/world.ts";
import { authorityOf } from "../sip/domains.ts";

const HOST = "127.0.0.1";
const OUTSIDE = "127.0.0.2";
const TRUNK_MEDIA = "127.0.0.3";
/** A telephone sends each 20 ms; the laws are the same. */
const PACKET_MS = 100;
const SECRET = { epoch: 1, password: "correct horse" };
export const CALLER = "+14085550201";
export const CALLED = "+49305550901";

export interface Cut {
  /** What does not come to this company's relay from the Internet. */
  isCut: boolean;
}

/** Ports of one company: 1 telephone, 2 agent for it, 3 for trunks, 4 for the border element, 5 and 6 border element, 7 its relay. */
const portsOf = (first: number) => ({
  pbx: first + 1,
  agentPbx: first + 2,
  agentTrunk: first + 3,
  agentBorder: first + 4,
  inside: first + 5,
  outside: first + 6,
  control: first + 7,
  media: { min: first * 10, max: first * 10 + 999 },
});
const A = portsOf(1_000);
const B = portsOf(2_000);

export interface CompanyOptions {
  readonly answerMs?: number;
  readonly more?: Partial<AgentProxyOptions>;
  /** Default true. */
  readonly hasFallback?: boolean;
  /** For a trunk that asks who we are. */
  readonly asWhom?: ReadonlyArray<TrunkCredentials>;
  /** Agent and relay speak over a connection, as two programs do. */
  readonly isApart?: boolean;
}

const company = Effect.fn("test.company")(function* (
  name: "a" | "b",
  credentials: Parameters<typeof serveBorder>[0]["credentials"],
  ticket: string,
  { answerMs = 6_000, more = {}, hasFallback = true, isApart = false, asWhom }: CompanyOptions,
) {
  const [own, other] = name === "a" ? [A, B] : [B, A];
  const cut: Cut = { isCut: false };
  const datagrams = yield* Datagrams;
  const lossy = {
    ...datagrams,
    open: (on: Parameters<typeof datagrams.open>[0], handlers: Parameters<typeof datagrams.open>[1]) =>
      datagrams.open(on, {
        ...handlers,
        received: (bytes, host, port) => {
          if (!(cut.isCut && on.host === OUTSIDE)) handlers.received(bytes, host, port);
        },
      }),
  };
  let relay: MediaRelayShape | undefined;
  const plan = name === "a" ? acme : berlin;
  let moves: () => ControlledMoves = () => relay!.moves!;
  const fallback = yield* openFallback({
    matchDigits: 5,
    answerMs,
    numbers: numbersBy(plan, 5),
    credentials: asWhom,
    moves: () => moves(),
  });
  let { troubled } = fallback;
  if (isApart) {
    const at = { host: HOST, port: own.control, token: "word" };
    ({ troubled } = yield* serveMediaControl({ ...at, moves: () => relay!.moves! }));
    const remote = yield* openMediaControl({ ...at, troubled: fallback.troubled });
    moves = () => remote;
  }
  relay = yield* Effect.provideService(
    openEmbeddedRelay({
      inside: [{ host: HOST }],
      outside: [{ host: OUTSIDE }],
      trunk: [{ host: TRUNK_MEDIA }],
      ports: own.media,
      privateOutside: true,
      quality: QUALITY_DEFAULTS,
      ...(hasFallback ? { troubled } : {}),
    }),
    Datagrams,
    lossy,
  );
  const border = yield* serveBorder({
    domain: `${name}.example`,
    outside: { host: HOST, port: own.outside },
    inside: [{ transport: "UDP", host: HOST, port: own.inside }],
    callAgents: [{ transport: "UDP", host: HOST, port: own.agentBorder }],
    credentials,
    secrets: [SECRET],
    privateOutside: true,
    relay: relay!,
  });
  const records: Array<CallReport> = [];
  const peer = (side: "pbx" | "trunk" | "border", port: number): SipPeer => ({
    name: side,
    side,
    transport: "UDP",
    host: HOST,
    port,
    securesMedia: true,
  });
  const uri = `sip:x7@${name === "a" ? "b" : "a"}.example:${other.outside};maddr=${HOST};transport=tls`;
  const agent = yield* serveAgentProxy({
    listen: [
      { transport: "UDP", host: HOST, port: own.agentPbx, side: "pbx" },
      { transport: "UDP", host: HOST, port: own.agentTrunk, side: "trunk" },
      { transport: "UDP", host: HOST, port: own.agentBorder, side: "border" },
      ...(hasFallback ? [fallback.listen] : []),
    ],
    peers: [
      peer("pbx", own.pbx),
      peer("trunk", other.agentTrunk),
      peer("border", own.inside),
      ...(hasFallback ? [fallback.peer] : []),
    ],
    ...(hasFallback ? { fallback: fallback.agent } : {}),
    route: () => ({ vipr: { called: e164(CALLED), uri, ticket }, trunks: ["trunk"] }),
    record: (reports) => Effect.sync(() => void records.push(...reports)),
    ...more,
  });
  const phone = yield* openPhone(HOST, own.pbx);
  return {
    name,
    ports: own,
    cut,
    relay: relay!,
    border,
    agent,
    fallback,
    records,
    phone,
    to: { host: HOST, port: own.agentPbx },
  };
});
export type Company = Effect.Success<ReturnType<typeof company>>;

/** Both, and a ticket for a to call b. */
export const companies = Effect.fn("test.companies")(function* (a: CompanyOptions = {}, b: CompanyOptions = {}) {
  const issue = yield* authorityOf;
  const issuer = yield* openTicketIssuer({ grantingNode: 7n as never, grantingDomain: "b.example", secret: SECRET });
  const ticket = yield* issuer.issue({ number: e164(CALLED), grantedTo: "a.example", vservice: vserviceId(1n) });
  return {
    a: yield* company("a", yield* issue("a.example"), ticket, a),
    b: yield* company("b", yield* issue("b.example"), ticket, b),
  };
});

const sdpIn = (message: SipMessage): Sdp => {
  const read = sessionIn(message);
  if (!read.ok) throw new Error(read.error.why);
  return read.value;
};
export const described = (sdp: Sdp): { readonly body: string } => ({ body: printSdp(sdp) });

/** A telephone's sound: sends to where the other's description says, each 100 ms of virtual time. */
export interface Sound {
  readonly end: End;
  /** Where its relay takes it. */
  port: number;
  sequence: number;
}
const say = (sound: Sound, count: number) =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) {
      sound.end.send(rtp(++sound.sequence), sound.port);
      yield* Effect.sleep(PACKET_MS);
    }
  });

export interface CallWords {
  readonly callId?: string;
  readonly from?: string;
  readonly lines?: ReadonlyArray<string>;
}

/** A call of a's telephone that goes to b's over the Internet: answered, with sound. */
export const call = Effect.fn("test.call")(function* ({ a, b }: { a: Company; b: Company }, words: CallWords = {}) {
  const { callId = "call-1", from = `"Anna" <sip:${CALLER}@${HOST}>;tag=anna-${callId}` } = words;
  const [anna, ben] = [yield* openEnd(HOST), yield* openEnd(HOST)];
  const out = invite({
    uri: `sip:${CALLED}@${HOST}:${a.ports.agentPbx}`,
    via: `${a.phone.via};branch=z9hG4bK-${callId}`,
    from,
    callId,
    contact: a.phone.contact,
    lines: words.lines ?? [],
    ...described(audio(anna.port, "RTP/AVP")),
  });
  yield* a.phone.send(out, a.to);
  const came = yield* b.phone.request;
  const to = { host: HOST, port: b.ports.agentPbx };
  yield* b.phone.send(answer(came, 200, { contact: b.phone.contact, ...described(audio(ben.port, "RTP/AVP")) }), to);
  const up = yield* a.phone.response;
  yield* a.phone.send(within("ACK", out, up, { via: a.phone.via }), a.to);
  yield* b.phone.request;
  const sounds = {
    a: { end: anna, port: sdpIn(up).media[0]!.port, sequence: 0 } as Sound,
    b: { end: ben, port: sdpIn(came).media[0]!.port, sequence: 5_000 } as Sound,
  };
  const talk = (seconds: number) =>
    Effect.all([say(sounds.a, 10 * seconds), say(sounds.b, 10 * seconds)], { concurrency: "unbounded" });
  /** What each has heard in so many seconds of talk: packets. */
  const heard = (seconds: number) =>
    Effect.gen(function* () {
      const before = [anna.came.length, ben.came.length] as const;
      yield* talk(seconds);
      return { a: anna.came.length - before[0], b: ben.came.length - before[1] };
    });
  const hangUp = (by: "a" | "b") =>
    Effect.gen(function* () {
      const [one, other] = by === "a" ? [a, b] : [b, a];
      const bye =
        by === "a"
          ? within("BYE", out, up, { via: a.phone.via, cseq: ++cseq })
          : within("BYE", came, answer(came, 200, { contact: b.phone.contact }), { isBack: true, via: b.phone.via });
      yield* one.phone.send(bye, one.to);
      const heard = yield* awaited(other.phone, "BYE");
      yield* other.phone.send(answer(heard, 200), other.to);
      return { heard, told: yield* one.phone.response };
    });
  let cseq = 1;
  /** Nobody is to send; or again. */
  const hold = Effect.fn(function* (direction = "inactive") {
    const sdp = (port: number) => described(audio(port, "RTP/AVP", `a=${direction}`));
    const asked = within("INVITE", out, up, { via: a.phone.via, cseq: ++cseq, ...sdp(anna.port) });
    yield* a.phone.send(asked, a.to);
    const again = yield* awaited(b.phone, "INVITE");
    yield* b.phone.send(answer(again, 200, { contact: b.phone.contact, ...sdp(ben.port) }), to);
    yield* a.phone.response;
  });
  return { out, came, up, anna, ben, sounds, talk, heard, hangUp, hold };
});

export const toAgentOf = ({ ports }: Company) => ({ host: HOST, port: ports.agentPbx });

/** The other side has no fallback: its telephone rings. Both ways are silent for long enough. */
export const ringing = Effect.fn("test.ringing")(function* (callId = "call-1", options: CompanyOptions = {}) {
  const world = yield* companies(options, { hasFallback: false });
  const { a, b } = world;
  const one = yield* call(world, { callId });
  yield* one.talk(1);
  a.cut.isCut = true;
  b.cut.isCut = true;
  yield* one.talk(26);
  const rings = yield* awaited(b.phone, "INVITE");
  return { ...world, ...one, rings };
});

/** Sound in the clear, of one format. */
export const clear = (port: number, formats = "8") =>
  described({
    ...audio(port, "RTP/AVP"),
    media: audio(port, "RTP/AVP").media.map((one) => ({ ...one, formats: [formats] })),
  });

/** A call by b's trunk that looks like a's, from whoever sends it. */
export const intrusion = (
  b: Company,
  by: { readonly via: string; readonly contact: string },
  words: Parameters<typeof invite>[0] = {},
) => {
  const branch = words.branch ?? "z9hG4bK-mallory";
  return invite({
    uri: `sip:${CALLED}@${HOST}:${b.ports.agentTrunk}`,
    from: `<sip:${CALLER}@${HOST}>;tag=mallory`,
    callId: "mallory",
    contact: by.contact,
    ...words,
    via: `${by.via};branch=${branch}`,
  });
};

/** Nothing asks it anything for a while. */
export const isQuiet = (phone: Company["phone"]) =>
  Effect.map(Effect.option(Effect.timeout(phone.request, 3_000)), ({ _tag }) => _tag === "None");

/** The next request of that method, and of that call, whatever comes before it: what was not answered at once is sent again. */
export const awaited = (phone: Company["phone"], method: string, callId?: string) =>
  Effect.repeat(phone.request, {
    until: (request) => request.method === method && (callId === undefined || headerOf(request, "Call-ID") === callId),
  });
