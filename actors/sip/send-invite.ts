/**
 * One INVITE sent straight to another domain's border element, and what came of it: how a spammer calls, and how one
 * asks whether a door is shut.
 */
import { Clock, Effect, Option } from "effect";
import { type E164, hexOf } from "../../codecs/shared/mod.ts";
import {
  cutSip,
  emptySipRemainder,
  inviteOf,
  offerOf,
  printSdp,
  printSip,
  SIP_BYTES_MAX,
  textBody,
} from "../../codecs/sip/mod.ts";
import { type ByteStreamShape, type Credentials, Dialer, Entropy } from "../ports/mod.ts";
import { mediaEnd } from "./media-end.ts";
import { newBranch } from "./within.ts";

export interface SentInvite {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
  readonly called: E164;
  readonly calling?: E164;
  /** The called domain, for the Request-URI; the caller's own, for From. */
  readonly domain: string;
  readonly from: string;
  readonly ticket?: string;
  /** How long to wait for a final response. Default 2 000. */
  readonly waitMs?: number;
}

export type InviteFate =
  | { readonly type: "answered"; readonly status: number }
  | { readonly type: "silence" }
  | { readonly type: "closed"; readonly why: string };

export const sendInvite = Effect.fn("sip.sendInvite")(function* (sent: SentInvite) {
  const dialer = yield* Dialer;
  const entropy = yield* Entropy;
  const id = hexOf(yield* entropy.bytes(8));
  const media = yield* mediaEnd("127.0.0.1");
  const invite = inviteOf({
    host: sent.domain,
    called: sent.called,
    calling: sent.calling,
    domain: sent.from,
    by: { transport: "TLS", host: sent.from, port: 5_061 },
    branch: yield* newBranch,
    tag: id,
    callId: id,
    route: undefined,
    ticket: sent.ticket,
    body: textBody(printSdp(offerOf(media))),
  });
  const talk = Effect.gen(function* () {
    const stream = yield* dialer.dial({ host: sent.host, port: sent.port, tls: sent.credentials });
    yield* stream.write(printSip(invite));
    return yield* finalStatus(stream, sent.waitMs ?? 2_000);
  });
  const closed = ({ why }: { readonly why: string }) => Effect.succeed<InviteFate>({ type: "closed", why });
  return yield* talk.pipe(Effect.catchTag("DialFailed", closed), Effect.catchTag("StreamClosed", closed));
}, Effect.scoped);

/** The first final response within the time. */
const finalStatus = (stream: ByteStreamShape, waitMs: number) =>
  Effect.gen(function* () {
    const untilMs = (yield* Clock.currentTimeMillis) + waitMs;
    let remainder = emptySipRemainder;
    while (true) {
      const leftMs = untilMs - (yield* Clock.currentTimeMillis);
      const chunk = leftMs <= 0 ? Option.none() : yield* Effect.timeoutOption(stream.read, leftMs);
      if (Option.isNone(chunk)) return { type: "silence" } satisfies InviteFate as InviteFate;
      const cut = cutSip(remainder, chunk.value, SIP_BYTES_MAX);
      for (const message of cut.messages)
        if (message.type === "response" && message.status >= 200)
          return { type: "answered", status: message.status } satisfies InviteFate as InviteFate;
      if (cut.error !== undefined) return { type: "closed", why: cut.error.why } satisfies InviteFate as InviteFate;
      remainder = cut.rest;
    }
  });
