/**
 * A few calls through a core that nobody else has, before the first real one: an engine compiles a function when it is first
 * called, and so the first call would wait some 40 ms of processor time on either side. DECISIONS.md D-192.
 *
 *   caller --> INVITE, ACK, BYE --> core --> callee         caller <-- 180, 200, 200 <-- core <-- callee
 *
 * Keys, names and addresses are nobody's, and what it sends goes nowhere.
 */
import { e164, nodeIdFrom, ntpFromMs, unixMs, utf8, vserviceId } from "../../codecs/shared/mod.ts";
import {
  cutSip,
  dialogOfCaller,
  emptySipRemainder,
  inviteOf,
  printSip,
  requestIn,
  responseTo,
  type SentBy,
  SIP_BYTES_MAX,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "../../codecs/sip/mod.ts";
import { writeTicket } from "../../codecs/ticket/mod.ts";
import type { MakeSeal } from "../ticket/mod.ts";
import { BorderCore } from "./core.ts";
import { TOKEN_KEY_BYTES, tokenKey } from "./tokens.ts";
import type { BorderSource } from "./types.ts";

const NOW_MS = unixMs(1_700_000_000_000);
const DAY_MS = 86_400_000;
const NUMBER = e164("+14085550001");
/** RFC 2606 §2, RFC 5737. */
const [OURS, THEIRS] = ["ours.invalid", "theirs.invalid"] as const;
const OUTSIDE = { transport: "TLS", host: "192.0.2.1", port: 5_061 } as const;
const INSIDE = { transport: "TCP", host: "192.0.2.2", port: 5_060 } as const;
const AGENT = { transport: "TCP", host: "192.0.2.3", port: 5_060 } as const;
const PEER = { transport: "TLS", host: "198.51.100.1", port: 5_061 } as const;
const agent: BorderSource = { ...AGENT, own: 1, stream: 1, domains: [] };
const peer: BorderSource = { ...PEER, own: 0, stream: 2, domains: [THEIRS], domain: THEIRS };
const SDP = utf8(
  [
    "v=0",
    "o=- 1 1 IN IP4 192.0.2.3",
    "s=-",
    "c=IN IP4 192.0.2.3",
    "t=0 0",
    "m=audio 4000 RTP/SAVP 0 8",
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${"A".repeat(40)}`,
    "a=rtpmap:0 PCMU/8000",
    "",
  ].join("\r\n"),
);

/** One way: who calls, who is called, and how the call is led. */
interface Way {
  readonly caller: BorderSource;
  readonly callee: BorderSource;
  readonly calls: { readonly domain: string; readonly route: string | undefined; readonly ticket: string | undefined };
}

/** `calls` each way. Gives how many messages have passed: six of each call. */
export const rehearse = (makeSeal: MakeSeal, calls: number): number => {
  const seal = makeSeal(new Uint8Array(TOKEN_KEY_BYTES));
  const core = new BorderCore(
    {
      domain: OURS,
      own: [
        { ...OUTSIDE, side: "outside", names: [OURS] },
        { ...INSIDE, side: "inside" },
      ],
      callAgents: [{ ...AGENT, name: "agent", side: "inside" }],
      mark: "rehearsal",
      keys: [tokenKey(0, new Uint8Array(TOKEN_KEY_BYTES), makeSeal)],
      epochs: () => [{ epoch: 1, seal }],
      onReject: "silence",
      hidesCallIds: false,
      hasRelay: false,
      privateOutside: true,
    },
    NOW_MS,
  );
  const ticket = writeTicket(
    {
      id: new Uint8Array(16),
      salt: new Uint8Array(16),
      validity: { notBefore: ntpFromMs(NOW_MS), notAfter: ntpFromMs(unixMs(NOW_MS + DAY_MS)) },
      number: NUMBER,
      grantingNode: nodeIdFrom(1n),
      grantingDomain: OURS,
      grantedTo: THEIRS,
      epoch: 1,
      vservice: vserviceId(1n),
    },
    seal,
  );
  const route = `<sip:${THEIRS}:${PEER.port};maddr=${PEER.host};transport=tls;lr>`;
  const inwards: Way = { caller: peer, callee: agent, calls: { domain: OURS, route: undefined, ticket } };
  const outwards: Way = { caller: agent, callee: peer, calls: { domain: THEIRS, route, ticket: undefined } };
  let passed = 0;
  for (let i = 0; i < calls; i++)
    for (const way of [inwards, outwards]) passed += call(core, way, `${way.calls.domain}-${i}`);
  return passed;
};

const call = (core: BorderCore, { caller, callee, calls }: Way, callId: string): number => {
  const by: SentBy = caller;
  let passed = 0;
  /** What the core sends on, as it is read where it comes to. */
  const on = <M extends SipMessage>(from: BorderSource, message: SipMessage): M | undefined => {
    const { messages } = cutSip(emptySipRemainder, printSip(message), SIP_BYTES_MAX);
    for (const read of messages) core.receive(from, read, NOW_MS);
    const sent = core.take().findLast((order) => order.type === "send");
    if (sent === undefined) return undefined;
    passed += 1;
    return cutSip(emptySipRemainder, sent.bytes, SIP_BYTES_MAX).messages[0] as M;
  };
  const branch = (what: string) => `z9hG4bK${what}${callId}`;
  const { domain: host, ...shown } = calls;
  const parts = {
    host,
    called: NUMBER,
    calling: NUMBER,
    domain: caller.domain ?? OURS,
    by,
    tag: "a",
    callId,
    body: SDP,
  };
  const invite = inviteOf({ ...parts, ...shown, branch: branch("invite") });
  const invited = on<SipRequest>(caller, invite);
  if (invited === undefined) return passed;
  const contact = { name: "Contact", value: `<sip:callee@${callee.host}:${callee.port}>` };
  on(callee, responseTo(invited, 180, { toTag: "b", headers: [contact] }));
  const headers = [contact, { name: "Content-Type", value: "application/sdp" }];
  const up = on<SipResponse>(callee, responseTo(invited, 200, { toTag: "b", headers, body: SDP }));
  const dialog = up && dialogOfCaller(invite, up);
  if (dialog === undefined) return passed;
  on(caller, requestIn(dialog, "ACK", by, branch("ack")));
  const bye = on<SipRequest>(caller, requestIn(dialog, "BYE", by, branch("bye")));
  if (bye !== undefined) on(callee, responseTo(bye, 200));
  return passed;
};
