/** The exchange's documents: what is written is read, and what strangers write instead is an error. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { e164, utf8 } from "../../codecs/shared/mod.ts";
import {
  EXCHANGE_BYTES_MAX,
  FRAME_BYTES_MAX,
  isDomain,
  PvpFrame,
  readAnswer,
  readRequest,
  writeAnswer,
  writeRequest,
} from "../../codecs/validation/mod.ts";
import { cut, emptyRemainder } from "../../codecs/wire/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { wireLaws } from "../kit/wire-laws.ts";
import { numbers } from "./arbitrary.ts";

wireLaws(PvpFrame, { limit: FRAME_BYTES_MAX });

test("a frame longer than 64 KiB is refused by its length, before it is held", () => {
  const { error, rest } = cut(PvpFrame, emptyRemainder, Uint8Array.of(0, 1, 0, 1), FRAME_BYTES_MAX);
  ok(error !== undefined && rest.size === 0);
  same(EXCHANGE_BYTES_MAX, 65_536);
});

const label = fc.string({ unit: fc.constantFrom(..."abcxyz019"), minLength: 1, maxLength: 20 });
const domains = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const texts = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40 }),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
);
const infos = fc.record(
  {
    number: numbers,
    ticket: fc.base64String({ minLength: 4, maxLength: 200 }),
    routes: fc.array(
      fc.record({ sipUris: fc.array(texts, { minLength: 1, maxLength: 3 }) }, { noNullPrototype: true }),
      { minLength: 1, maxLength: 3 },
    ),
  },
  { noNullPrototype: true },
);

test("exchange: a request is read as it was written", () =>
  fc.assert(
    fc.property(numbers, domains, (number, domain) => {
      ok(isDomain(domain));
      same(readRequest(writeRequest({ number, domain })), { ok: true, value: { number, domain } });
    }),
    { numRuns: runs },
  ));

test("exchange: an answer is read as it was written, whatever its URIs hold", () =>
  fc.assert(
    fc.property(infos, (info) => {
      const answer = { type: "valinfo", info } as const;
      same(readAnswer(writeAnswer(answer)), { ok: true, value: answer });
    }),
    { numRuns: runs },
  ));

test("exchange: each error code is read as it was written", () => {
  for (const code of [403, 404, 503] as const)
    same(readAnswer(writeAnswer({ type: "valerror", code })), { ok: true, value: { type: "valerror", code } });
  ok(!readAnswer(utf8('<valerror code="200"/>')).ok && !readAnswer(utf8("<valerror/>")).ok);
});

const request =
  '<valrequest xmlns="urn:vipr:pvp:1"><number>+14085555432</number><domain>a.example</domain></valrequest>';
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.tuple(fc.nat(), fc.string({ maxLength: 6 })).map(([at, put]) => {
    const point = at % request.length;
    return utf8(request.slice(0, point) + put + request.slice(point));
  }),
);

test("exchange: any bytes are a value or an error, never a throw", () =>
  fc.assert(
    fc.property(noise, (bytes) => {
      for (const read of [readRequest(bytes), readAnswer(bytes)])
        ok(read.ok || (read.error.at.length > 0 && read.error.why.length > 0));
    }),
    { numRuns: 5 * runs },
  ));

test("exchange: what strangers try with XML is refused", () => {
  const refused = (text: string) => ok(!readRequest(utf8(text)).ok, text.slice(0, 80));
  refused(request.replace("<valrequest", '<!DOCTYPE v [<!ENTITY a "b">]><valrequest'));
  refused(request.replace("a.example", "&a;"));
  refused(request.replace("a.example", "<![CDATA[a.example]]>"));
  refused(request.replace("a.example", "-a.example"));
  refused(request.replace("a.example", "A.example"));
  refused(request.replace("a.example", `${"a".repeat(64)}.example`));
  refused(request.replace(e164("+14085555432"), "14085555432"));
  refused(request.replace("<number>", "<number>1</number><number>"));
  refused(`${"<a>".repeat(20_000)}${"</a>".repeat(20_000)}`);
  refused(`<valrequest>${" ".repeat(70_000)}</valrequest>`);
  ok(readRequest(utf8(request)).ok);
});
