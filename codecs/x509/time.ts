/** Times of a certificate's validity. RFC 5280 §4.1.2.5: to the second, in Greenwich Mean Time, nothing left out. */
import { type DerElement, DerFault, tag } from "./der.ts";

const UTC = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
const GENERALIZED = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** UTCTime or GeneralizedTime, in Unix milliseconds. */
export const timeOf = ({ tag: type, contents }: DerElement, at: string): number => {
  const text = String.fromCharCode(...contents.subarray(0, 16));
  const match = type === tag.utcTime ? UTC.exec(text) : type === tag.generalizedTime ? GENERALIZED.exec(text) : null;
  if (match === null || contents.length !== text.length) throw new DerFault(at, "no time of DER");
  const [written, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  //# "Where YY is greater than or equal to 50, the year SHALL be interpreted as 19YY" (RFC 5280 §4.1.2.5.1)
  const year = type === tag.generalizedTime ? written : written >= 50 ? 1900 + written : 2000 + written;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(ms);
  const isReal =
    year >= 1000 && // Date.UTC takes years below 100 for those of the last century
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  if (!isReal) throw new DerFault(at, "a time that there is not");
  return ms;
};
