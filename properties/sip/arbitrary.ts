/** Values of SIP, for its laws: addresses, messages, session descriptions. */
import fc from "fast-check";
import {
  type Header,
  type NameAddr,
  type Param,
  type Parsed,
  type Sdp,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  sipUri,
  type TelUri,
  type Uri,
  type Via,
} from "../../codecs/sip/mod.ts";

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });

/** Whole characters only, and none that ends a line. */
const lineText = fc
  .string({ unit: "binary", maxLength: 20 })
  .map((text) => text.toWellFormed().replace(/[\r\n\0]/g, "_"));
const someText = lineText.filter((text) => text !== "");
const letters = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });
export const token = letters("abcXYZ019-.!%*_+`'~", 1, 10);
export const host = fc.oneof(
  fc.constantFrom("acme.example", "192.0.2.1", "[2001:db8::1]", "localhost", "a"),
  letters("abcxyz019", 1, 8).map((label) => `${label}.example`),
);
export const port = maybe(fc.integer({ min: 1, max: 65_535 }));

const unique = (params: fc.Arbitrary<Param>) =>
  fc.uniqueArray(params, { selector: ({ name }) => name, maxLength: 5 }) as fc.Arbitrary<ReadonlyArray<Param>>;
const uriParams = unique(record<Param>({ name: letters("abcxyz-1", 1, 8), value: maybe(someText) }));
const headerParams = unique(
  record<Param>({ name: letters("abcxyz-1", 1, 8), value: maybe(fc.oneof(token, lineText)) }),
);

export const uri: fc.Arbitrary<Uri> = fc.oneof(
  record({
    secure: fc.boolean(),
    user: maybe(fc.oneof(someText, fc.constantFrom("+14085550001", "17ahhs7zpaksux6z5=="))),
    password: fc.constant(undefined),
    host,
    port,
    params: uriParams,
    headers: maybe(letters("abc=&%1", 0, 10)),
  }).map((parts) => sipUri(parts)),
  record<TelUri>({
    type: fc.constant("tel" as const),
    number: letters("0123456789-.()", 1, 20).map((digits) => `+${digits}`),
    params: uriParams,
  }),
);

export const nameAddr: fc.Arbitrary<NameAddr> = record({ display: maybe(lineText), uri, params: headerParams });
export const via: fc.Arbitrary<Via> = record({
  transport: fc.constantFrom("TCP", "TLS", "UDP"),
  host,
  port,
  params: headerParams,
});

const value = lineText.map((text) => text.trim());
const unknown: fc.Arbitrary<Header> = record({ name: token.map((name) => `X-${name}`), value });
const bodies = fc.uint8Array({ maxLength: 60 });
const common = (method: fc.Arbitrary<string>): fc.Arbitrary<{ method: string; headers: ReadonlyArray<Header> }> =>
  fc
    .record({
      method,
      number: fc.nat(2 ** 31 - 1),
      callId: token,
      others: fc.array(unknown, { maxLength: 5 }),
      at: fc.nat(),
    })
    .map(({ method, number, callId, others, at }) => {
      const needed: ReadonlyArray<Header> = [
        { name: "Via", value: "SIP/2.0/TLS acme.example:5061;branch=z9hG4bKa, SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKb" },
        { name: "From", value: '"A, B" <sip:+14085550001@acme.example>;tag=1' },
        { name: "To", value: "<sip:+49305550001@nord.example;user=phone>" },
        { name: "Call-ID", value: callId },
        { name: "CSeq", value: `${number} ${method}` },
      ];
      const cut = at % (others.length + 1);
      return { method, headers: [...others.slice(0, cut), ...needed, ...others.slice(cut)] };
    });

const methods = fc.oneof(fc.constantFrom("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"), token);
export const request: fc.Arbitrary<SipRequest> = fc
  .record({ common: common(methods), uri: letters("abc+19@;=%?.", 1, 20), body: bodies })
  .map(({ common: { method, headers }, uri, body }) => ({ type: "request", method, uri: `sip:${uri}`, headers, body }));
export const response: fc.Arbitrary<SipResponse> = fc
  .record({ common: common(methods), status: fc.integer({ min: 100, max: 699 }), reason: lineText, body: bodies })
  .map(({ common: { headers }, status, reason, body }) => ({ type: "response", status, reason, headers, body }));
export const message: fc.Arbitrary<SipMessage> = fc.oneof(request, response);

const line = record({
  letter: fc.constantFrom("a", "b", "c", "i", "k", "t", "z"),
  value: lineText,
});
const word = letters("abcXYZ019-.", 1, 8);
export const sdp: fc.Arbitrary<Sdp> = record({
  origin: fc.array(word, { minLength: 6, maxLength: 6 }).map((words) => words.join(" ")),
  name: lineText,
  lines: fc.array(line, { maxLength: 4 }),
  media: fc.array(
    record({
      kind: fc.constantFrom("audio", "video", "application"),
      port: fc.integer({ min: 0, max: 65_535 }),
      ports: maybe(fc.integer({ min: 1, max: 9 })),
      protocol: fc.constantFrom("RTP/SAVP", "RTP/AVP", "udp"),
      formats: fc.array(word, { minLength: 1, maxLength: 4 }),
      lines: fc.array(line, { maxLength: 4 }),
    }),
    { maxLength: 3 },
  ),
});

/** A message as its fields say it, whether it came in or was written here: two messages that say the same are equal so. */
export const plain = <M extends SipMessage>(message: M): M => ({
  ...message,
  headers: message.headers.map(({ name, value }) => ({ name, value })),
});
/** The same of what was parsed. */
export const plainly = (read: Parsed<SipMessage>): Parsed<SipMessage> =>
  read.ok ? { ok: true, value: plain(read.value) } : read;

/** Bytes changed here and there. */
export const changed = (bytes: Uint8Array, changes: ReadonlyArray<readonly [number, number]>): Uint8Array => {
  const out = bytes.slice();
  for (const [at, to] of changes) if (out.length > 0) out[at % out.length] = to;
  return out;
};
export const changes = fc.array(
  fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(10, 13, 32, 44, 58, 59, 34, 60))),
  {
    minLength: 1,
    maxLength: 6,
  },
);
