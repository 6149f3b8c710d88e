/** Times as records of many makers write them, as instants. */
import { epochMsOf, localMsOf, type Zone } from "./zone.ts";

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

/** A local time in a zone; of two instants the first. */
export const inZone = (localMs: number | undefined, zone: Zone): number | undefined =>
  localMs === undefined ? undefined : zone.instants(localMs)[0];

/**
 * ISO 8601 with `Z` or an offset; a local time with blank or `T`, `-` or `/`; Unix seconds, milliseconds or microseconds.
 * Undefined for none of these, and for the zero that stands for "never".
 */
export const instantOf = (value: unknown, zone: Zone): number | undefined => {
  const text = typeof value === "number" ? String(value) : typeof value === "string" ? value.trim() : "";
  if (text === "" || /^0(\.0*)?$/.test(text) || text.startsWith("0001-") || text.startsWith("0000-")) return undefined;
  const iso = /^(.*?[T ].*?)(Z|[+-]\d\d:?\d\d)$/.exec(text);
  if (iso !== null) {
    const ms = localMsOf(cutFraction(iso[1]!));
    return ms === undefined ? undefined : ms - offsetMs(iso[2]!);
  }
  if (/^[0-9]{13}$/.test(text)) return Number(text);
  if (/^[0-9]{16}$/.test(text)) return Math.floor(Number(text) / 1000);
  return epochMsOf(text) ?? inZone(localMsOf(cutFraction(text)), zone);
};

/** Seven digits of a fraction, as some write, are one too many to read. */
const cutFraction = (text: string): string => text.replace(/(\.[0-9]{1,6})[0-9]*$/, "$1");

const offsetMs = (text: string): number => {
  if (text === "Z") return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(-2));
  return (text.startsWith("-") ? -minutes : minutes) * 60_000;
};

/**
 * `17:00:06.163 UTC Fri Nov 27 2026`, as Cisco's and AudioCodes' devices write. The zone's name is whatever somebody
 * configured: other than UTC and GMT it means the configured zone. A leading `*` or `.`: the clock was never set.
 */
export const deviceTimeOf = (text: string, zone: Zone): number | "unset" | undefined => {
  const match = /^([*.]?)(\d\d:\d\d:\d\d(?:\.\d{1,6})?) (\S+) [A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d{4})$/.exec(
    text.trim(),
  );
  if (match === null) return undefined;
  const [, mark, time, name, month, day, year] = match as unknown as ReadonlyArray<string>;
  if (mark !== "") return "unset";
  const number = MONTHS.indexOf(month!) / 3 + 1;
  const localMs = localMsOf(`${year}-${String(number).padStart(2, "0")}-${day!.padStart(2, "0")} ${time}`);
  return /^(UTC|GMT|Z)$/i.test(name!) ? localMs : inZone(localMs, zone);
};
