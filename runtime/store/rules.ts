/** What every store looks at before it takes anything: names, sizes, the end of a prefix. */
import {
  type Change,
  type ScanOf,
  STORE_CHANGES_MAX,
  STORE_KEY_BYTES_MAX,
  STORE_ROWS_MAX,
  STORE_VALUE_BYTES_MAX,
  StoreFailed,
} from "../../actors/ports/mod.ts";

const TABLE = /^[a-z][a-zA-Z0-9]{0,40}$/;

export const tableFault = (table: string): StoreFailed | undefined =>
  TABLE.test(table) ? undefined : malformed(`a table cannot be named ${JSON.stringify(table)}`);

/** Why these changes can never be written; undefined when they can. */
export const changesFault = (changes: ReadonlyArray<Change>): StoreFailed | undefined => {
  if (changes.length > STORE_CHANGES_MAX) return malformed(`${changes.length} changes, over ${STORE_CHANGES_MAX}`);
  for (const change of changes) {
    const fault = tableFault(change.table);
    if (fault !== undefined) return fault;
    const { key } = change;
    if (key.length > STORE_KEY_BYTES_MAX) return malformed(`a key of ${key.length} bytes, over ${STORE_KEY_BYTES_MAX}`);
    if (change.type === "remove") continue;
    const size = change.value.length;
    if (size > STORE_VALUE_BYTES_MAX) return malformed(`a value of ${size} bytes, over ${STORE_VALUE_BYTES_MAX}`);
    if (change.dueMs !== undefined && !Number.isSafeInteger(change.dueMs)) return malformed(`due at ${change.dueMs}`);
  }
  return undefined;
};

const malformed = (why: string) => new StoreFailed({ reason: "malformed", why });

export const rowsOf = (rowsMax: number | undefined): number => Math.min(rowsMax ?? STORE_ROWS_MAX, STORE_ROWS_MAX);

/** From where to where a scan goes: `isPast` leaves `from` itself out, `end` is the first key that it does not give. */
export const boundsOf = ({ prefix = new Uint8Array(), after }: ScanOf) => {
  const isPast = after !== undefined && Buffer.compare(prefix, after) <= 0;
  return { isPast, from: isPast ? after : prefix, end: endOfPrefix(prefix) };
};

/** The first key after all that begin with this; undefined when there is none. */
const endOfPrefix = (prefix: Uint8Array): Uint8Array | undefined => {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  return last < 0 ? undefined : prefix.slice(0, last + 1).with(last, prefix[last]! + 1);
};
