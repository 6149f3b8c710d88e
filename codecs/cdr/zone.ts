/**
 * Local times of call records as instants: a zone is `UTC`, `+02:00` or a name such as `Europe/Berlin`.
 *
 * A time that comes twice, when clocks are set back, has two instants: whoever knows more of the call chooses. One that does
 * not occur is counted with the offset from before the change.
 */

const DAY_MS = 24 * 3_600_000;
/** Days whose offset is kept; a file has few. */
const DAYS_MAX = 4_096;

/** The clock that an exchange writes its records by. */
export interface Zone {
  /** `localMs`: a local time, counted as if it were UTC. The instants that it may be, earliest first: one, or two. */
  readonly instants: (localMs: number) => readonly [first: number, second?: number];
}

/** Undefined when the zone is unknown. */
export const zoneOf = (zone: string): Zone | undefined => {
  if (zone === "UTC" || zone === "Z") return { instants: (localMs) => [localMs] };
  const fixed = /^([+-])([01][0-9]|2[0-3]):?([0-5][0-9])$/.exec(zone);
  if (fixed !== null) {
    const minutes = (Number(fixed[2]) * 60 + Number(fixed[3])) * (fixed[1] === "-" ? -1 : 1);
    return { instants: (localMs) => [localMs - minutes * 60_000] };
  }
  const offsetAt = namedZone(zone);
  if (offsetAt === undefined) return undefined;
  /** By day: the one offset of the days around it, or NaN where it changes. */
  const days = new Map<number, number>();
  const ofDay = (day: number): number => {
    const known = days.get(day);
    if (known !== undefined) return known;
    const [before, after] = [offsetAt((day - 1) * DAY_MS), offsetAt((day + 2) * DAY_MS)];
    const offset = before === after ? before : Number.NaN;
    if (days.size >= DAYS_MAX) days.clear();
    days.set(day, offset);
    return offset;
  };
  return {
    instants: (localMs) => {
      const offset = ofDay(Math.floor(localMs / DAY_MS));
      if (!Number.isNaN(offset)) return [localMs - offset];
      const [before, after] = [offsetAt(localMs - DAY_MS), offsetAt(localMs + DAY_MS)];
      const fits = (one: number) => offsetAt(localMs - one) === one;
      if (before === after || !fits(after)) return [localMs - before];
      if (!fits(before)) return [localMs - after];
      return [localMs - before, localMs - after];
    },
  };
};

const digitsAt = (text: string, from: number, to: number): number => {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = 10 * value + digit;
  }
  return value;
};

const DAYS_OF = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
let lastDay = "";
let lastDayMs = 0;
/** `YYYY-MM-DD` or `YYYY/MM/DD`: midnight of that day as if it were UTC. NaN when there is no such day. */
const dayMsOf = (text: string): number => {
  if (lastDay !== "" && text.startsWith(lastDay)) return lastDayMs;
  const separator = text.charCodeAt(4);
  if ((separator !== 0x2d && separator !== 0x2f) || text.charCodeAt(7) !== separator) return Number.NaN;
  const [year, month, day] = [digitsAt(text, 0, 4), digitsAt(text, 5, 7), digitsAt(text, 8, 10)];
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 && isLeap ? 29 : (DAYS_OF[month - 1] ?? 0);
  if (!(year >= 1970 && day >= 1 && day <= days)) return Number.NaN;
  [lastDay, lastDayMs] = [text.slice(0, 10), Date.UTC(year, month - 1, day)];
  return lastDayMs;
};

/**
 * `YYYY-MM-DD HH:MM:SS`, with or without a fraction, counted as if it were UTC. Undefined when there is no such time.
 * What is finer than a millisecond is cut off, as an exchange cuts seconds.
 */
export const localMsOf = (text: string): number | undefined => {
  const { length } = text;
  if (length < 19 || (length > 19 && (length < 21 || length > 26 || text.charCodeAt(19) !== 0x2e))) return undefined;
  const [space, first, second] = [text.charCodeAt(10), text.charCodeAt(13), text.charCodeAt(16)];
  if ((space !== 0x20 && space !== 0x54) || first !== 0x3a || second !== 0x3a) return undefined;
  const [hours, minutes, seconds] = [digitsAt(text, 11, 13), digitsAt(text, 14, 16), digitsAt(text, 17, 19)];
  if (!(hours < 24 && minutes < 60 && seconds < 60)) return undefined;
  const fraction = length === 19 ? 0 : digitsAt(text, 20, length) / 10 ** (length - 20);
  const ms = dayMsOf(text) + ((hours * 60 + minutes) * 60 + seconds) * 1000 + Math.floor(fraction * 1000 + 1e-6);
  return Number.isNaN(ms) ? undefined : ms;
};

/** Seconds since 1970, with or without a fraction: `1795997440.134510`. Finer than a millisecond is cut off. */
export const epochMsOf = (text: string): number | undefined => {
  const match = /^([0-9]{9,10})(?:\.([0-9]{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * 1000 + Number((match[2] ?? "").padEnd(3, "0").slice(0, 3));
};

const namedZone = (zone: string): ((ms: number) => number) | undefined => {
  try {
    const format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    return (ms) => {
      const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)])) as any;
      const local = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
      return local - Math.floor(ms / 1000) * 1000;
    };
  } catch {
    return undefined;
  }
};
