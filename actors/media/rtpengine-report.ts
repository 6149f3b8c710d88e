/** What rtpengine's `query` tells of a call, as our own relay would tell it. */
import type { BadMedia, Sample } from "../../machines/media/mod.ts";
import type { NgAnswer } from "./ng.ts";
import type { MediaCall, MediaCounters, MediaStreamReport, Side } from "./relay.ts";

interface Known {
  readonly sinceMs: number;
  readonly sides: ReadonlyMap<string, Side>;
  readonly bad?: BadMedia | undefined;
}

/** Anything that is not what it should be counts as nothing. */
const at = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
const listAt = (value: unknown, name: string): ReadonlyArray<unknown> => {
  const found = at(value, name);
  return Array.isArray(found) ? found : [];
};
const countAt = (value: unknown, name: string): number => {
  const found = Number(at(value, name));
  return Number.isFinite(found) && found > 0 ? found : 0;
};
const has = (value: unknown, name: string, word: string): boolean => listAt(value, name).includes(word);

/** The streams of both sides. */
const sidesIn = ({ sides }: Known, answer: NgAnswer): Readonly<Record<Side, ReadonlyArray<unknown>>> => {
  const tags = at(answer, "tags");
  const of = (side: Side): ReadonlyArray<unknown> => {
    const names = [...sides].filter(([, is]) => is === side).map(([tag]) => tag);
    return names.map((tag) => listAt(at(tags, tag), "medias")).find((medias) => medias.length > 0) ?? [];
  };
  return { inside: of("inside"), outside: of("outside") };
};

export const reportFrom = (call: string, known: Known, answer: NgAnswer): MediaCall => {
  const { sinceMs, bad } = known;
  const { inside, outside } = sidesIn(known, answer);
  const qualityOf = qualitiesIn(answer);
  const streams = outside.flatMap((media, i): ReadonlyArray<MediaStreamReport> => {
    const suite = listAt(media, "streams").map((stream) => at(stream, "crypto suite"))[0];
    const kind = at(media, "type");
    if (typeof kind !== "string" || typeof suite !== "string" || suite === "(null)") return [];
    const isPassed = listAt(inside[i], "streams").some((stream) => typeof at(stream, "crypto suite") === "string");
    return [
      {
        kind,
        mode: isPassed ? "passed" : "srtp",
        suite,
        fromInside: countersOf(inside[i], qualityOf),
        fromOutside: countersOf(media, qualityOf),
      },
    ];
  });
  return { call, sinceMs, ...(bad === undefined ? {} : { bad }), streams };
};

/** What the quality of a call is judged by: all that has come from outside, RTCP too, and what is reported of what we send. */
export const sampleFrom = (call: string, known: Known, answer: NgAnswer): Sample => {
  const { streams } = reportFrom(call, known, answer);
  const reports = sidesIn(known, answer).outside.flatMap((media) => listAt(media, "streams"));
  const ofRtcp = reports.filter((stream) => !has(stream, "flags", "RTP"));
  const lossOf = ({ fromInside }: MediaStreamReport) => fromInside.reportedLoss ?? -1;
  const worst = Math.max(-1, ...streams.map(lossOf));
  return {
    packets: packetsOf(ofRtcp) + streams.reduce((all, { fromOutside }) => all + fromOutside.packets, 0),
    lost: streams.reduce((all, { fromOutside }) => all + fromOutside.lost, 0),
    reportedLoss: worst < 0 ? undefined : worst,
  };
};
const packetsOf = (streams: ReadonlyArray<unknown>): number =>
  streams.reduce<number>((all, stream) => all + countAt(at(stream, "stats"), "packets"), 0);

/** By SSRC: rtpengine keeps what RTCP has said of each. */
const qualitiesIn = (answer: NgAnswer) => {
  const all = at(answer, "SSRC");
  return (ssrc: unknown) => {
    const found = at(all, String(ssrc));
    const average = at(found, "average MOS");
    return {
      lost: countAt(found, "cumulative loss"),
      jitterMs: countAt(average, "jitter"),
      ...(average === undefined ? {} : { reportedLoss: 2.56 * countAt(average, "packet loss") }),
    };
  };
};
type Qualities = ReturnType<typeof qualitiesIn>;

const countersOf = (media: unknown, qualityOf: Qualities): MediaCounters => {
  const rtp = listAt(media, "streams").filter((stream) => has(stream, "flags", "RTP"));
  const sum = (name: string) => rtp.reduce<number>((all, stream) => all + countAt(at(stream, "stats"), name), 0);
  const errors = sum("errors");
  const last = Math.max(0, ...rtp.map((stream) => countAt(stream, "last packet")));
  const packets = sum("packets");
  return {
    packets,
    bytes: sum("bytes"),
    ...qualityOf(at(rtp[0], "SSRC")),
    refused: errors > 0 ? { errors } : {},
    ...(packets > 0 && last > 0 ? { lastSeenMs: 1_000 * last } : {}),
  };
};
