/**
 * What the telephone network is offered, and what is taken of its answer or its offer: the sound of one stream, in formats
 * that the telephone inside has agreed on already, since nothing between them codes anew. RFC 3264 §6.1.
 * docs/protocol/media.md#fallback. Functions only.
 */
import { isClearProfile, type Sdp, type SdpLine, type SdpMedia } from "../../codecs/sip/mod.ts";

/** The lines of one end, of the formats that both have under one number. */
export const agreedMedia = (own: SdpMedia, other: SdpMedia): SdpMedia | undefined => {
  const formats = own.formats.filter((format) => other.formats.includes(format) && isSame(format, own, other));
  return withFormats(own, formats);
};

/** What of `agreed` the other end takes too, as the telephone has it; undefined: no sound. */
export const sharedMedia = (agreed: SdpMedia, other: SdpMedia): SdpMedia | undefined =>
  other.port === 0 || other.kind !== agreed.kind || !isClearProfile(other.protocol)
    ? undefined
    : agreedMedia(agreed, other);

/** The first stream of sound that is in use. */
export const soundIn = (sdp: Sdp): number =>
  sdp.media.findIndex(({ kind, port, protocol }) => kind === "audio" && port !== 0 && isClearProfile(protocol));

/** A description of ours: that stream in its place among `count`, the others refused. */
export const trunkDescription = (
  media: SdpMedia,
  at: { readonly host: string; readonly port: number; readonly version: number },
  others: ReadonlyArray<SdpMedia>,
): Sdp => {
  const net = `IN IP${at.host.includes(":") ? 6 : 4} ${at.host}`;
  const ours: SdpMedia = { ...media, port: at.port, ports: undefined, protocol: "RTP/AVP" };
  return {
    origin: `- 1 ${at.version} ${net}`,
    name: "-",
    lines: [
      { letter: "c", value: net },
      { letter: "t", value: "0 0" },
    ],
    media: others.length === 0 ? [ours] : others.map((one) => (one.port === 0 ? { ...one, lines: [] } : ours)),
  };
};

/** An offer's streams, but for that one refused. */
export const refusedBut = (sdp: Sdp, stream: number): ReadonlyArray<SdpMedia> =>
  sdp.media.map((media, i) => (i === stream ? media : { ...media, port: 0, ports: undefined }));

const EVENT = /^telephone-event\//i;
const DESCRIBING = /^(?:rtpmap|fmtp):([0-9]{1,3}) /;

/** Without those that say where, or to whom: only how the formats are coded. Undefined: nothing but events is left. */
const withFormats = (media: SdpMedia, formats: ReadonlyArray<string>): SdpMedia | undefined => {
  if (formats.every((format) => EVENT.test(nameOf(format, media)))) return undefined;
  const lines = media.lines.filter(({ letter, value }: SdpLine) => {
    if (letter !== "a") return false;
    const [, format] = DESCRIBING.exec(value) ?? [];
    return format === undefined ? /^(?:ptime|maxptime):[0-9]+$/.test(value) : formats.includes(format);
  });
  return { ...media, formats, lines };
};

const isSame = (format: string, one: SdpMedia, other: SdpMedia): boolean =>
  nameOf(format, one).toLowerCase() === nameOf(format, other).toLowerCase();

/** Its encoding as `rtpmap` has it; of those that need none, the name of RFC 3551 §6, so that both ways of writing agree. */
const nameOf = (format: string, { lines }: SdpMedia): string => {
  for (const { letter, value } of lines) {
    const [, type, name] = /^rtpmap:([0-9]{1,3}) (\S+)/.exec(letter === "a" ? value : "") ?? [];
    if (type === format) return name!.replace(/\/1$/, "");
  }
  return STATIC.get(format) ?? `static ${format}`;
};
const STATIC: ReadonlyMap<string, string> = new Map([
  ["0", "PCMU/8000"],
  ["3", "GSM/8000"],
  ["8", "PCMA/8000"],
  ["9", "G722/8000"],
  ["13", "CN/8000"],
  ["18", "G729/8000"],
]);
