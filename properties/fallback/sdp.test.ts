/** What the telephone network is offered, and what is taken of its description. RFC 3264 §6.1; docs/protocol/media.md#fallback */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { isNotice, MediaNotice, parseRtcp, printNotice, printRtcp } from "../../codecs/rtp/mod.ts";
import { parseSdp, printSdp, type Sdp, type SdpMedia } from "../../codecs/sip/mod.ts";
import { agreedMedia, refusedBut, sharedMedia, soundIn, trunkDescription } from "../../machines/media/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { wireLaws } from "../kit/wire-laws.ts";
import { audio, sdpOf } from "../media/ends.ts";

wireLaws(MediaNotice);

test("notice: it is read back as one, in whatever reports it stands, and no other packet is one", () =>
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), (ssrc) => {
      const bytes = printNotice(ssrc);
      ok(isNotice(parseRtcp(bytes)!));
      ok(!isNotice(parseRtcp(bytes.subarray(0, 8))!));
      const other = printRtcp([{ type: "other", packetType: 204, count: 1, body: new Uint8Array(8).fill(86) }]);
      ok(!isNotice(parseRtcp(other)!));
    }),
    { numRuns: runs },
  ));

const NAMES = ["PCMU/8000", "PCMA/8000", "G722/8000", "opus/48000/2", "telephone-event/8000"];
const formats = fc.uniqueArray(
  fc.record({ type: fc.integer({ min: 96, max: 110 }), name: fc.constantFrom(...NAMES) }),
  {
    selector: ({ type }) => type,
    maxLength: 6,
  },
);
const mediaOf = (all: ReadonlyArray<{ readonly type: number; readonly name: string }>): SdpMedia => ({
  ...audio(4_000, "RTP/AVP").media[0]!,
  formats: all.map(({ type }) => String(type)),
  lines: all.map(({ type, name }) => ({ letter: "a", value: `rtpmap:${type} ${name}` })),
});
// docs/protocol/media.md
test("trunk: what is agreed on is one codec under one number on both sides, and is never events alone", () =>
  fc.assert(
    fc.property(formats, formats, (one, other) => {
      const agreed = agreedMedia(mediaOf(one), mediaOf(other));
      const wanted = one.filter(({ type, name }) => other.some((two) => two.type === type && two.name === name));
      if (wanted.every(({ name }) => name.startsWith("telephone-event"))) return same(agreed, undefined);
      same(
        agreed!.formats,
        wanted.map(({ type }) => String(type)),
      );
      const shown = trunkDescription(agreed!, { host: "192.0.2.1", port: 30_000, version: 1 }, []);
      const read = parseSdp(printSdp(shown));
      ok(read.ok);
      same(sharedMedia(agreed!, read.value.media[0]!), agreed);
    }),
    { numRuns: runs },
  ));

test("trunk: static numbers are the same with rtpmap and without; addresses, keys and direction are not shown", () => {
  const phone = audio(
    4_000,
    "RTP/AVP",
    "a=rtpmap:0 PCMU/8000",
    "a=sendonly",
    "a=candidate:1 1 UDP 1 10.0.0.7 4000 typ host",
    "a=ptime:20",
  ).media[0]!;
  const agreed = agreedMedia(phone, audio(5_000, "RTP/AVP", "a=rtpmap:8 pcma/8000/1").media[0]!)!;
  same(agreed.formats, ["8", "0", "101"]);
  same(
    agreed.lines.map(({ value }) => value.split(/[: ]/)[0]),
    ["rtpmap", "fmtp", "rtpmap", "ptime"],
  );
});

test("trunk: the sound of an offer of several streams is taken, and the others are refused in their places", () => {
  const offer: Sdp = sdpOf(
    "c=IN IP4 192.0.2.9",
    "t=0 0",
    "m=video 4000 RTP/AVP 96",
    "m=audio 0 RTP/AVP 8",
    "m=audio 4002 RTP/AVP 8 0",
  );
  same(soundIn(offer), 2);
  const answer = trunkDescription(
    audio(1, "RTP/AVP").media[0]!,
    { host: "::1", port: 7, version: 2 },
    refusedBut(offer, 2),
  );
  same(
    answer.media.map(({ kind, port }) => `${kind} ${port}`),
    ["video 0", "audio 0", "audio 7"],
  );
  same(soundIn(sdpOf("c=IN IP4 192.0.2.9", "t=0 0", "m=audio 4000 RTP/SAVP 8")), -1);
});
