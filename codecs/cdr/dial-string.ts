/**
 * The number that Asterisk's Dial sent to a trunk, out of its data as the record keeps it (`lastdata`).
 *
 *   PJSIP/+49305550901@trunk1,20          SIP/trunk1/+4930...|60|tT      DAHDI/g1/4085550901
 *   PJSIP/trunk1/sip:+4930...@192.0.2.1   IAX2/user:secret@peer/+4930... @context
 *   several at once, joined by &: the one that names the trunk of the channel
 */
import { channelBase } from "./trunks.ts";

/** Asterisk keeps so many characters; what is as long may have been cut. */
const DATA_CHARS_MAX = 79;

/** Undefined: the data names no number for this channel. */
export const dialledIn = (data: string, channel: string): string | undefined => {
  const end = data.search(/[,|]/);
  const isCut = end < 0 && data.length >= DATA_CHARS_MAX;
  const all = (end < 0 ? data : data.slice(0, end)).split("&");
  const whole = isCut ? all.slice(0, -1) : all;
  if (whole.length === 1) return numberIn(whole[0]!);
  const base = channelBase(channel).toLowerCase();
  const line = base.slice(base.indexOf("/") + 1);
  const fitting = whole.filter((one) => {
    const text = one.toLowerCase();
    return text.startsWith(base.slice(0, base.indexOf("/") + 1)) && partsOf(text).includes(line);
  });
  const numbers = new Set((fitting.length > 0 ? fitting : whole).map(numberIn));
  return numbers.size === 1 ? [...numbers][0] : undefined;
};

const partsOf = (one: string): ReadonlyArray<string> => one.slice(one.indexOf("/") + 1).split(/[/@]/);

const numberIn = (one: string): string | undefined => {
  const technology = one.indexOf("/");
  if (technology < 0) return undefined;
  const resource = one.slice(technology + 1);
  const slash = resource.indexOf("/");
  if (slash >= 0) {
    const rest = resource.slice(slash + 1).replace(/^sips?:/i, "");
    const end = rest.search(/[@/;?]/);
    return textOr(end < 0 ? rest : rest.slice(0, end));
  }
  const at = resource.indexOf("@");
  return at < 0 ? undefined : textOr(resource.slice(0, at));
};

const textOr = (text: string): string | undefined => (text === "" ? undefined : text);
