/**
 * Many calls at once over two whole border elements and the relay of each: set up by SIP, a packet every 20 ms both ways, and
 * hung up. The telephones are ends of our own, since no machine has as many.
 *
 *   acme's exchange -- UDP --> acme's border ==== TLS ====> nord's border -- UDP --> nord's exchange
 *          RTP <-----------------> relay <===== SRTP =====> relay <-----------------> RTP
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { headerOf, type SipMessage, type SipRequest, type SipResponse, sessionIn } from "../../codecs/sip/mod.ts";
import { openTraffic } from "../bench/media/traffic.ts";
import { follow } from "../border/companies.ts";
import { inner } from "../border/world.ts";
import { openPhone } from "../proxy/phone.ts";
import { answer, read } from "../proxy/world.ts";
import { CALLED, type Element, element, grounds, reportOf, SECRET, serve, ticketOf } from "./border-world.ts";
import { checkOf } from "./check.ts";
import { HOST } from "./peers.ts";
import { OWN, type Relays, RTPENGINE } from "./relays.ts";
import type { InteropCheck } from "./run.ts";

const check = checkOf("many calls");
/** Of the ends: below the ports that are drawn (kit/ports.ts), and those that the system gives. */
const [ACME_PORT, NORD_PORT] = [8_000, 9_000];
/** Our ends send nothing again: no more at once than a socket holds. */
const APART_MS = 8;
type Phone = Effect.Success<ReturnType<typeof openPhone>>;

const plain = (port: number) =>
  `v=0\r\no=- 1 1 IN IP4 ${HOST}\r\ns=-\r\nc=IN IP4 ${HOST}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 8\r\n`;
const portIn = (message: SipMessage): number => {
  const sdp = sessionIn(message);
  ok(sdp.ok);
  const [media] = sdp.value.media;
  same(media!.protocol, "RTP/AVP");
  return media!.port;
};

/** The call of that number: INVITE of acme's exchange. */
const inviteOf = (i: number, phone: Phone, nord: Element, ticket: string): SipRequest =>
  read(
    inner("INVITE", {
      uri: `sip:${CALLED}@nord.example;user=phone`,
      via: `${phone.via};branch=z9hG4bK-${i}`,
      callId: `call-${i}`,
      from: `<sip:+14085550201@${HOST}>;tag=a${i}`,
      contact: phone.contact,
      body: plain(ACME_PORT + 2 * i),
      lines: [
        `Route: <sip:x@nord.example:${nord.outside};maddr=${HOST};transport=tls;lr>`,
        `X-Cisco-ViPR-Ticket: ${ticket}`,
      ],
    }),
  ) as SipRequest;

const numberOf = (message: SipMessage): number => Number(headerOf(message, "Call-ID")!.slice("call-".length));

const many = ({ what, needs, open }: Relays, calls: number, ms: number): InteropCheck =>
  check(
    `${calls} at once over two border elements and ${what}: no packet is lost`,
    needs,
    Effect.gen(function* () {
      const { at, root } = yield* grounds;
      const media = yield* open;
      const acme = yield* element(at, "acme.example", root, ["[media]", media("a")]);
      const nord = yield* element(at, "nord.example", root, ["[media]", media("b")]);
      yield* Effect.all([serve(acme), serve(nord)], { concurrency: 2 });
      const phones = { acme: yield* openPhone(HOST, acme.agent), nord: yield* openPhone(HOST, nord.agent) };
      const ticket = yield* ticketOf(SECRET);
      const there = { host: HOST, port: acme.inside };
      const given = new Map<number, { insidePort: number; outsidePort: number }>();
      const answers = Effect.gen(function* () {
        for (let left = calls; left > 0; ) {
          const heard = yield* phones.nord.request;
          const i = numberOf(heard);
          if (heard.method !== "INVITE" || given.has(i)) continue;
          left -= 1;
          given.set(i, { insidePort: 0, outsidePort: portIn(heard) });
          const told = answer(heard, 200, { contact: phones.nord.contact, body: plain(NORD_PORT + 2 * i) });
          yield* phones.nord.send(told, { host: HOST, port: nord.inside });
        }
      });
      yield* Effect.forkScoped(answers);
      const up = new Map<number, SipResponse>();
      const invites = Effect.gen(function* () {
        for (let i = 0; i < calls; i++) {
          yield* phones.acme.send(inviteOf(i, phones.acme, nord, ticket), there);
          yield* Effect.sleep(APART_MS);
        }
      });
      yield* Effect.forkScoped(invites);
      while (up.size < calls) {
        const told = yield* phones.acme.response;
        same(told.status, 200);
        const i = numberOf(told);
        given.get(i)!.insidePort = portIn(told);
        up.set(i, told);
        yield* phones.acme.send(follow("ACK", told, phones.acme, 1), there);
      }
      const traffic = yield* Effect.acquireRelease(
        Effect.promise(() =>
          openTraffic(
            [...given].sort(([a], [b]) => a - b).map(([, ports]) => ports),
            ACME_PORT,
            NORD_PORT,
            false,
          ),
        ),
        ({ close }) => Effect.sync(close),
      );
      const { sent, came } = yield* Effect.promise(() => traffic.play(ms));
      same([reportOf(acme).underWay, reportOf(nord).underWay], [calls, calls]);
      ok(sent >= 2 * calls, `${sent} packets`);
      same(came, sent);
      const byes = Effect.forEach(up.values(), (told) =>
        Effect.andThen(phones.acme.send(follow("BYE", told, phones.acme, 2), there), Effect.sleep(APART_MS)),
      );
      yield* Effect.forkScoped(byes);
      for (let left = calls; left > 0; ) {
        const heard = yield* phones.nord.request;
        if (heard.method !== "BYE") continue;
        left -= 1;
        yield* phones.nord.send(answer(heard, 200), { host: HOST, port: nord.inside });
      }
      for (let i = 0; i < 20 && reportOf(acme).underWay > 0; i++) yield* Effect.sleep(100);
      same([reportOf(acme).underWay, reportOf(nord).underWay], [0, 0]);
    }),
  );

/** Packets that come late are lost. */
export const isAlone = true;

export const checks: ReadonlyArray<InteropCheck> = [many(OWN, 30, 2_000), many(RTPENGINE, 200, 200)];
