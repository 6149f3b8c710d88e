/**
 * Calls that are not secured and so are none: real exchanges do answer a secured offer in the clear. RFC 4568 §5.1.3.
 * The caller's side sends ACK and BYE, and the telephone network takes the call.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, type Scope } from "effect";
import { Listener, type Listening } from "../../actors/ports/mod.ts";
import { e164, utf8 } from "../../codecs/shared/mod.ts";
import {
  cutSip,
  emptySipRemainder,
  type Header,
  headerOf,
  printSip,
  responseTo,
  SIP_BYTES_MAX,
  type SipRequest,
} from "../../codecs/sip/mod.ts";
import { memoryLayer, type Ports, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { twoDomains } from "./domains.ts";

const BOB = e164("+49305550001");
const call = { calling: e164("+14085550001"), called: BOB, talkMs: 300 };

type Program = Effect.Effect<void, unknown, Ports | Scope.Scope>;
const inMemory = (name: string, program: Program) =>
  test(`memory: ${name}`, () =>
    runVirtual(program.pipe(Effect.scoped, Effect.provide(memoryLayer({ seed: 29, delayMs: [1, 9] })))));

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: ReadonlyArray<Header>;
}

/** An exchange of another make: it answers each INVITE so, and everything else with 200; what it is sent is kept. */
const foreign = (replies: ReadonlyArray<Reply>) =>
  Effect.gen(function* () {
    const listener = yield* Listener;
    const heard: Array<SipRequest> = [];
    const uri = (): string => `sip:pbx@127.0.0.1:${listening.port};transport=tcp`;
    const listening: Listening = yield* listener.listen({ host: "127.0.0.1", port: 0 }, (stream) =>
      Effect.gen(function* () {
        let remainder = emptySipRemainder;
        while (true) {
          const cut = cutSip(remainder, yield* stream.read, SIP_BYTES_MAX);
          remainder = cut.rest;
          for (const message of cut.messages) {
            if (message.type === "response") continue;
            heard.push(message);
            const contact = { name: "Contact", value: `<${uri()}>` };
            const type = { name: "Content-Type", value: "application/sdp" };
            if (message.method === "BYE") yield* stream.write(printSip(responseTo(message, 200)));
            if (message.method !== "INVITE") continue;
            for (const { status, body, headers = [] } of replies) {
              const typed = [contact, ...(body === "" ? [] : [type]), ...headers];
              const parts = { toTag: "pbx", headers: typed, body: utf8(body) };
              yield* stream.write(printSip(responseTo(message, status, parts)));
            }
          }
        }
      }).pipe(Effect.ignore),
    );
    const methods = () => heard.map(({ method }) => method);
    return { listening, heard, methods, uri };
  });

const sdp = (...media: ReadonlyArray<string>) =>
  ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", ...media].map((l) => `${l}\r\n`).join("");
const crypto = (tag: number, suite: string) => `a=crypto:${tag} ${suite} inline:${"C".repeat(40)}`;
const SUITE = "AES_CM_128_HMAC_SHA1_80";
const good = sdp("m=audio 4000 RTP/SAVP 8", crypto(1, SUITE));

const clear: ReadonlyArray<readonly [string, string]> = [
  ["in the clear", sdp("m=audio 4000 RTP/AVP 8")],
  ["without SDP", ""],
  ["with port 0", sdp("m=audio 0 RTP/SAVP 8", crypto(1, SUITE))],
  ["under a tag that was not offered", sdp("m=audio 4000 RTP/SAVP 8", crypto(7, SUITE))],
  ["in a suite that was not offered", sdp("m=audio 4000 RTP/SAVP 8", crypto(1, "AES_CM_128_HMAC_SHA1_32"))],
  ["with SRTP that is not encrypted", sdp("m=audio 4000 RTP/SAVP 8", `${crypto(1, SUITE)} UNENCRYPTED_SRTP`)],
];
for (const [what, body] of clear) {
  inMemory(
    `border: a call answered ${what} is ended with ACK and BYE, and the telephone network takes it`,
    Effect.gen(function* () {
      const pbx = yield* foreign([
        { status: 180, body: "" },
        { status: 200, body },
      ]);
      const { acme, nord } = yield* twoDomains(
        {},
        { border: { callAgents: [{ transport: "TCP", ...pbx.listening }] } },
      );
      yield* nord.teach(acme, BOB);
      const outcome = yield* acme.agent.placeCall(call);
      ok(outcome.via === "pstn" && outcome.fellBack === "refused 488", JSON.stringify(outcome.via));
      yield* Effect.sleep(1_000);
      same(pbx.methods(), ["INVITE", "ACK", "BYE"]);
      const [invite, ack, bye] = pbx.heard;
      same(
        [ack, bye].map((request) => [request?.uri, headerOf(request!, "Call-ID"), headerOf(request!, "CSeq")]),
        ["1 ACK", "2 BYE"].map((cseq) => [pbx.uri(), headerOf(invite!, "Call-ID"), cseq]),
      );
      same(nord.border.counters().refused, { answerNotSecured: 1 });
      same([nord.border.counters().underWay, acme.border.counters().underWay], [0, 0]);
    }),
  );
  inMemory(
    `agent: a call answered ${what} is none: ACK, BYE, and the telephone network`,
    Effect.gen(function* () {
      const { acme, nord } = yield* twoDomains();
      const careless = yield* foreign([{ status: 200, body }]);
      yield* nord.teach(acme, BOB);
      acme.agent.useBorder(careless.listening);
      const outcome = yield* acme.agent.placeCall(call);
      ok(outcome.via === "pstn" && outcome.fellBack === "the answer was not secured");
      yield* Effect.sleep(1_000);
      same(careless.methods(), ["INVITE", "ACK", "BYE"]);
      same(acme.agent.underWay(), 0);
    }),
  );
}

inMemory(
  "border: a secured answer of another make passes, in a 200 or in a reliable 183 before it",
  Effect.gen(function* () {
    const pbx = yield* foreign([
      { status: 183, body: good, headers: [{ name: "RSeq", value: "1" }] },
      { status: 200, body: good },
    ]);
    const { acme, nord } = yield* twoDomains({}, { border: { callAgents: [{ transport: "TCP", ...pbx.listening }] } });
    yield* nord.teach(acme, BOB);
    same((yield* acme.agent.placeCall(call)).via, "sip");
    same(pbx.methods(), ["INVITE", "ACK", "BYE"]);
  }),
);

inMemory(
  "border: early media in the clear does not pass, and the call rings on",
  Effect.gen(function* () {
    const pbx = yield* foreign([{ status: 183, body: sdp("m=audio 4000 RTP/AVP 8") }]);
    const { acme, nord } = yield* twoDomains({}, { border: { callAgents: [{ transport: "TCP", ...pbx.listening }] } });
    yield* nord.teach(acme, BOB);
    const outcome = yield* acme.agent.placeCall(call);
    ok(outcome.via === "pstn" && outcome.fellBack === "rang too long");
  }),
);
