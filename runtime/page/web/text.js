/** Numbers, times and reasons as people read them. */
const DAY_S = 86_400;

/** @param {number} count */
export const grouped = (count) => Math.round(count).toLocaleString("en").replaceAll(",", "\u202f");

/** @param {number} seconds */
export const spanOf = (seconds) => {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < DAY_S) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / DAY_S)} d ${Math.floor((seconds % DAY_S) / 3_600)} h`;
};

/** @param {number} ms */
export const clockOf = (ms) => new Date(ms).toLocaleTimeString("en-GB");
/** @param {number} ms */
export const momentOf = (ms) => new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** From the beginning of something. @param {number} ms */
export const millisOf = (ms) => (ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

/** @param {number | null | undefined} bytes */
export const megabytes = (bytes) => (bytes === null || bytes === undefined ? "–" : `${Math.round(bytes / 1e6)} MB`);

/** `recordsWaiting` is "records waiting". @param {string} key */
export const words = (key) =>
  /[. ]/.test(key) ? key : key.replace(/([a-z\d])([A-Z])/g, (_, before, letter) => `${before} ${letter.toLowerCase()}`);

/** @param {string} hex */
export const short = (hex) => `${hex.slice(0, 8)}…`;
