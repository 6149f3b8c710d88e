/**
 * The header fields of a message, in the order they came. RFC 3261 §7.3. Beside them, and not part of the value, stands what
 * is known of them: the line that each came in, which is what is sent when nobody touched it, and the values that were
 * read from them, so that none is read twice.
 *
 *   headers: [ { name, value }, ... ] --> Kept { lines: [ "v: SIP/2.0/TLS ...", ... ], via, from, to, cseq, ... }
 *
 * It is found by the list itself: a copy of a message with the same list keeps it, a list of one's own has none.
 */
import { canonicalName } from "./names.ts";
import { splitOutside } from "./params.ts";

export interface Header {
  readonly name: string;
  /** Unfolded, without the white space around it. */
  readonly value: string;
}

export interface HasHeaders {
  readonly headers: ReadonlyArray<Header>;
}

/** `lines`: `undefined` for one that was written here. The others: what was read, once it was. */
class Kept {
  readonly lines: ReadonlyArray<string | undefined> | undefined;
  via: unknown = undefined;
  from: unknown = undefined;
  to: unknown = undefined;
  cseq: unknown = undefined;
  routes: unknown = undefined;
  constructor(lines: ReadonlyArray<string | undefined> | undefined) {
    this.lines = lines;
  }
}
type Slot = Exclude<keyof Kept, "lines">;

/**
 * A private field put on the list itself. A WeakMap would say the same more plainly; with one entry a message its table kept
 * the garbage collector busier than the parser was.
 */
class Itself {
  constructor(list: object) {
    // biome-ignore lint/correctness/noConstructorReturn: what a constructor of the base returns is what gets the field
    return list;
  }
}
class Marked extends Itself {
  #kept: Kept | undefined;
  static get(list: ReadonlyArray<Header>): Kept | undefined {
    return #kept in list ? list.#kept : undefined;
  }
  static set(list: ReadonlyArray<Header>, kept: Kept): void {
    const marked = #kept in list ? list : (new Marked(list) as unknown as ReadonlyArray<Header> & Marked);
    marked.#kept = kept;
  }
}
const kept = { get: Marked.get, set: Marked.set };

/** Says in which lines the fields came, CR LF left out. */
export const keepLines = (headers: ReadonlyArray<Header>, lines: ReadonlyArray<string>): void => {
  kept.set(headers, new Kept(lines));
};

/** The lines that the fields came in, where they did; undefined for those written here. */
export const linesOf = (headers: ReadonlyArray<Header>): ReadonlyArray<string | undefined> | undefined =>
  kept.get(headers)?.lines;

/** What `read` makes of these fields: made once for each list of them, and found again in its slot. */
export const once = <A>(message: HasHeaders, slot: Slot, read: (message: HasHeaders) => A): A => {
  let known = kept.get(message.headers);
  if (known === undefined) {
    known = new Kept(undefined);
    kept.set(message.headers, known);
  }
  known[slot] ??= read(message);
  return known[slot] as A;
};

/** The first value of this field. */
export const headerOf = ({ headers }: HasHeaders, name: string): string | undefined => {
  const at = indexOf(headers, canonicalName(name), 0);
  return at < 0 ? undefined : headers[at]!.value;
};

/** Every value of a field that is a list: one field with commas means the same as several. RFC 3261 §7.3.1. */
export const listOf = ({ headers }: HasHeaders, name: string): ReadonlyArray<string> => {
  const wanted = canonicalName(name);
  const values: Array<string> = [];
  for (let at = indexOf(headers, wanted, 0); at >= 0; at = indexOf(headers, wanted, at + 1)) {
    const { value } = headers[at]!;
    if (!value.includes(",")) {
      if (value !== "") values.push(value);
      continue;
    }
    for (const part of splitOutside(value, ",")) if (part.trim() !== "") values.push(part.trim());
  }
  return values;
};

/** With this field once, in the place of its first or else at the end; without it when the value is undefined. */
export const withHeader = <M extends HasHeaders>(message: M, name: string, value: string | undefined): M =>
  edited(message, name, value === undefined ? [] : [value], "end");

/** With the list replaced, one value a field, standing where its first stood or else at the top. */
export const withList = <M extends HasHeaders>(message: M, name: string, values: ReadonlyArray<string>): M =>
  edited(message, name, values, "top");

/** With these fields before all others. */
export const withFirst = <M extends HasHeaders>(message: M, added: ReadonlyArray<Header>): M => {
  const lines = linesOf(message.headers);
  const headers = [...added, ...message.headers];
  if (lines !== undefined) keep(headers, [...added.map(() => undefined), ...lines]);
  return { ...message, headers };
};

/** The fields of `message`, those of this name as `other` has them, at the top. */
export const withFieldsOf = <M extends HasHeaders>(message: M, name: string, other: HasHeaders): M => {
  const wanted = canonicalName(name);
  const theirs = other.headers.filter((header) => isNamed(header, wanted));
  return withFirst(withList(message, name, []), theirs);
};

const keep = (headers: ReadonlyArray<Header>, lines: ReadonlyArray<string | undefined>): void => {
  kept.set(headers, new Kept(lines));
};

const edited = <M extends HasHeaders>(
  message: M,
  name: string,
  values: ReadonlyArray<string>,
  missing: "top" | "end",
): M => {
  const wanted = canonicalName(name);
  const old = message.headers;
  const lines = linesOf(old);
  const headers: Array<Header> = [];
  const keptLines: Array<string | undefined> = [];
  let at = -1;
  for (let i = 0; i < old.length; i++) {
    const header = old[i]!;
    if (isNamed(header, wanted)) {
      if (at < 0) at = headers.length;
      continue;
    }
    headers.push(header);
    keptLines.push(lines?.[i]);
  }
  if (values.length > 0) {
    const place = at >= 0 ? at : missing === "top" ? 0 : headers.length;
    headers.splice(place, 0, ...values.map((value) => ({ name, value })));
    keptLines.splice(place, 0, ...values.map(() => undefined));
  }
  if (lines !== undefined) keep(headers, keptLines);
  return { ...message, headers };
};

const isNamed = ({ name }: Header, wanted: string): boolean =>
  name === wanted ||
  (name.length === wanted.length &&
    (name.charCodeAt(0) | 32) === (wanted.charCodeAt(0) | 32) &&
    name.toLowerCase() === wanted.toLowerCase());

const indexOf = (headers: ReadonlyArray<Header>, wanted: string, from: number): number => {
  for (let i = from; i < headers.length; i++) if (isNamed(headers[i]!, wanted)) return i;
  return -1;
};
