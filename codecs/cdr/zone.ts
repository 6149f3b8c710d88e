/** Converts local times of call records to UTC: a zone is `UTC`, `+02:00` or a name such as `Europe/Berlin`. */

const DAY_MS = 24 * 3_600_000;

/** Undefined when the zone is unknown. Otherwise: local time, counted as if it were UTC -> milliseconds since 1970. */
export const zoneOf = (zone: string): ((localMs: number) => number) | undefined => {
  if (zone === "UTC" || zone === "Z") return (localMs) => localMs;
  const offset = /^([+-])([01][0-9]|2[0-3]):([0-5][0-9])$/.exec(zone);
  if (offset !== null) {
    const minutes = (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === "-" ? -1 : 1);
    return (localMs) => localMs - minutes * 60_000;
  }
  const offsetAt = namedZone(zone);
  if (offsetAt === undefined) return undefined;
  // By the offsets of the day before and the day after. When clocks are set back, a time that occurs twice means the
  // first; when they are set forward, a time that does not occur is counted with the offset from before the change.
  return (localMs) => {
    const [before, after] = [offsetAt(localMs - DAY_MS), offsetAt(localMs + DAY_MS)];
    const fits = (offset: number) => offsetAt(localMs - offset) === offset;
    return localMs - (fits(before) || !fits(after) ? before : after);
  };
};

/** `YYYY-MM-DD HH:MM:SS`, with or without a fraction, counted as if it were UTC. Undefined when there is no such time. */
export const localMsOf = (text: string): number | undefined => {
  const match = /^([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,6})?$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const same = new Date(ms).toISOString().slice(0, 19).replace("T", " ") === text.slice(0, 19);
  return same ? ms + Math.floor(Number(match[7] ?? 0) * 1000) : undefined;
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
