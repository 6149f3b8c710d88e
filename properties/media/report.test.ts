/** What relays tell of calls: of rtpengine's `query` as of our own counters, and for a table of calls. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { type MediaCall, mediaRefusedOf, mediaRowOf } from "../../actors/media/mod.ts";
import { reportFrom } from "../../actors/media/rtpengine-report.ts";
import { runs, test } from "../kit/harness.ts";

const known = {
  sinceMs: 1,
  sides: new Map([
    ["f", "inside"],
    ["t", "outside"],
  ] as const),
};
/** As rtpengine 10.5 writes it, cut to what is read. */
const stream = (port: number, packets: number, more: object = {}) => ({
  "local port": port,
  "last packet": 1_796_038_330,
  flags: ["RTP", "filled"],
  stats: { packets, bytes: 172 * packets, errors: 2 },
  ...more,
});
const query = {
  result: "ok",
  tags: {
    f: {
      medias: [
        {
          type: "audio",
          protocol: "RTP/AVP",
          streams: [stream(36_010, 7), { flags: ["RTCP"], stats: { packets: 99 } }],
        },
      ],
    },
    t: {
      medias: [
        {
          type: "audio",
          protocol: "RTP/SAVP",
          streams: [stream(36_000, 9, { "crypto suite": "AES_256_CM_HMAC_SHA1_80" })],
        },
      ],
    },
  },
};

test("media report: rtpengine's query is read by the sides of its tags", () => {
  const { streams } = reportFrom("c", known, query);
  same(
    streams.map(({ kind, mode, suite, fromInside, fromOutside }) => [
      kind,
      mode,
      suite,
      fromInside.packets,
      fromOutside.packets,
    ]),
    [["audio", "srtp", "AES_256_CM_HMAC_SHA1_80", 7, 9]],
  );
  same(streams[0]!.fromInside.refused, { errors: 2 });
  same(streams[0]!.fromInside.lastSeenMs, 1_796_038_330_000);
});
test("media report: whatever rtpengine answers is read, as nothing where it is nothing", () =>
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (tags, medias) => {
      const any = { tags, SSRC: medias };
      same(reportFrom("c", known, any as never).call, "c");
      reportFrom("c", known, { tags: { t: { medias }, f: medias } } as never);
    }),
    { numRuns: runs },
  ));

const counters = (packets: number, more: object = {}) => ({
  packets,
  bytes: 0,
  lost: 1,
  jitterMs: 3.6,
  refused: {},
  ...more,
});
const call: MediaCall = {
  call: "c",
  sinceMs: 0,
  streams: [
    {
      kind: "audio",
      mode: "srtp",
      fromInside: counters(10, { refused: { stranger: 2 } }),
      fromOutside: counters(20, { reportedLoss: 64 }),
    },
    {
      kind: "video",
      mode: "srtp",
      fromInside: counters(5, { jitterMs: 9 }),
      fromOutside: counters(6, { refused: { stranger: 1, replayed: 4 } }),
    },
  ],
};
test("media report: a row of a table has the sums of all streams, and the worst of what is no sum", () => {
  const row = mediaRowOf(call);
  same([row.packetsFromInside, row.packetsFromOutside, row.lostFromInside], [15, 26, 2]);
  same([row.refusedFromInside, row.refusedFromOutside], [2, 5]);
  same([row.jitterMsFromInside, row.jitterMsFromOutside, row.lossPercentFromOutside], [9, 4, 25]);
  same(mediaRefusedOf([call, call]), { stranger: 6, replayed: 8 });
});
