/**
 * The header fields of a message, in the order they came. RFC 3261 §7.3.
 *
 *   text  ... CR LF  v  :  SIP/2.0/TLS acme.example;branch=z9hG4bKa  CR LF ...
 *                    at colon                                      end
 *
 * A field that came in is a place in the text of its message. Its name, its value and what its value means are cut out when
 * they are first asked for, and kept. Where nobody touches it, its line goes out as it came, byte for byte. A field that
 * is written here is a name and a value.
 */
import type { Parsed } from "./error.ts";
import { type NameAddr, parseNameAddr } from "./name-addr.ts";
import { canonicalName, ID, idOfName, NAMES, usualName } from "./names.ts";
import { splitOutside } from "./params.ts";
import { trimmed } from "./scan.ts";
import { type CSeq, cseqIn, type Tagged, taggedIn, type Via, viaIn } from "./values.ts";

/** One header field; a usual name in the letters of its RFC, a compact one in full. */
export interface Header {
  readonly name: string;
  /** Unfolded, without the white space around it. */
  readonly value: string;
}

/** A request, a response, or what else has header fields in their order. */
export interface HasHeaders {
  readonly headers: ReadonlyArray<Header>;
}

/** A field that came in. */
export class Field implements Header {
  /** Its name's number, 0 for a name that has none. */
  readonly id: number;
  readonly #text: string;
  /** The line and its folds: from its first letter to the last CR LF, which is left out. */
  readonly #at: number;
  readonly #end: number;
  /** Behind the name, and white space behind that. */
  readonly #colon: number;
  /** Where the Content-Length that follows it ends; `#end` where another field does. */
  #tail: number;
  #value: string | undefined;
  /** What its value means, as `#asked` first read it: a name is nearly always read in one way only. */
  #meaning: unknown;
  #asked: Meaning;

  /** `unfolded`: the value, where the line is folded and the text does not have it in one piece. */
  constructor(id: number, text: string, at: number, colon: number, end: number, unfolded: string | undefined) {
    this.id = id;
    this.#text = text;
    this.#at = at;
    this.#colon = colon;
    this.#end = end;
    this.#tail = end;
    this.#value = unfolded;
    this.#meaning = undefined;
    this.#asked = NOT_ASKED;
  }
  get name(): string {
    return this.id !== 0 ? NAMES[this.id]! : usualName(trimmed(this.#text.slice(this.#at, this.#colon)));
  }
  get value(): string {
    this.#value ??= this.#text.slice(firstOf(this.#text, this.#colon, this.#end), lastOf(this.#text, this.#end));
    return this.#value;
  }
  /** The first of its Vias. */
  get via(): Parsed<Via> {
    return this.#asked === VIA ? (this.#meaning as Parsed<Via>) : this.#keep(VIA, this.#read(viaIn));
  }
  /** Its one address, of From or To. */
  get tagged(): Parsed<Tagged> {
    if (this.#asked === TAGGED) return this.#meaning as Parsed<Tagged>;
    return this.#keep(TAGGED, this.#read(this.id === ID.from ? fromIn : toIn));
  }
  get cseq(): Parsed<CSeq> {
    return this.#asked === CSEQ ? (this.#meaning as Parsed<CSeq>) : this.#keep(CSEQ, this.#read(cseqIn));
  }
  /** All its addresses, of Contact, Route or Record-Route. */
  get addresses(): Parsed<ReadonlyArray<NameAddr>> {
    if (this.#asked === ADDRESSES) return this.#meaning as Parsed<ReadonlyArray<NameAddr>>;
    return this.#keep(ADDRESSES, addressesIn(this.name, this.value));
  }
  #keep<A>(asked: Meaning, meaning: A): A {
    if (this.#asked === NOT_ASKED) {
      this.#asked = asked;
      this.#meaning = meaning;
    }
    return meaning;
  }

  /** What stands in the value, read in its place where it stands there in one piece. */
  #read<A>(readIn: (text: string, at: number, to: number) => A): A {
    if (this.#value !== undefined) return readIn(this.#value, 0, this.#value.length);
    const end = lastOf(this.#text, this.#end);
    return readIn(this.#text, firstOf(this.#text, this.#colon, end), end);
  }

  /** The text in which a message came, if its first field lies in one. */
  static textOf([first]: ReadonlyArray<Header>): string | undefined {
    return first instanceof Field ? first.#text : undefined;
  }

  /** The Content-Length stands behind this field, and ends there: it is no field of its own, and keeps its place. */
  isBeforeLength(end: number): void {
    this.#tail = end;
  }

  /**
   * As lines, each with its CR LF; lines that came one after the other in one piece. `hasLength`: the Content-Length that came
   * is among them, as it was written, since it is that of this body.
   */
  static print(
    headers: ReadonlyArray<Header>,
    written: (header: Header) => string,
    bodyLength: number,
  ): { readonly lines: string; readonly hasLength: boolean } {
    let lines = "";
    let hasLength = false;
    for (let i = 0; i < headers.length; i++) {
      const header = headers[i]!;
      if (!(header instanceof Field)) {
        lines += written(header);
        continue;
      }
      let last = header;
      let end = last.#end;
      for (;;) {
        end = last.#end;
        if (last.#tail > end) {
          if (hasLength || last.#lengthBehind() !== bodyLength) break;
          hasLength = true;
          end = last.#tail;
        }
        const next = headers[i + 1];
        if (!(next instanceof Field) || next.#at !== last.#tail + 2 || next.#text !== header.#text) break;
        last = next;
        i++;
      }
      lines += header.#text.slice(header.#at, end + 2);
    }
    return { lines, hasLength };
  }
  #lengthBehind(): number {
    const line = this.#text.slice(this.#end + 2, this.#tail);
    return Number(line.slice(line.indexOf(":") + 1));
  }
}

type Meaning = 0 | 1 | 2 | 3 | 4;
const NOT_ASKED = 0;
const VIA = 1;
const TAGGED = 2;
const CSEQ = 3;
const ADDRESSES = 4;

/** Where the value begins and ends in its line, without the white space around it. */
const firstOf = (text: string, colon: number, end: number): number => {
  let at = colon + 1;
  while (at < end && isSpace(text.charCodeAt(at))) at++;
  return at;
};
const lastOf = (text: string, end: number): number => {
  let at = end;
  while (isSpace(text.charCodeAt(at - 1))) at--;
  return at;
};
const isSpace = (code: number): boolean => code === 32 || code === 9;

const fromIn = (text: string, at: number, to: number): Parsed<Tagged> => taggedIn("From", text, at, to);
const toIn = (text: string, at: number, to: number): Parsed<Tagged> => taggedIn("To", text, at, to);

const addressesIn = (name: string, value: string): Parsed<ReadonlyArray<NameAddr>> => {
  const addresses: Array<NameAddr> = [];
  for (const text of partsOf(value)) {
    const address = parseNameAddr(name, text);
    if (!address.ok) return address;
    addresses.push(address.value);
  }
  return { ok: true, value: addresses };
};
export const addressesOfHeader = (header: Header): Parsed<ReadonlyArray<NameAddr>> =>
  header instanceof Field ? header.addresses : addressesIn(header.name, header.value);

/** The values between commas. RFC 3261 §7.3.1. */
const partsOf = (value: string): ReadonlyArray<string> => {
  if (!value.includes(",")) return value === "" ? [] : [value];
  return splitOutside(value, ",")
    .map(trimmed)
    .filter((part) => part !== "");
};

/** The number of its name, 0 where it has none: to tell fields apart without cutting their names out. */
export const idOf = (header: Header): number => (header instanceof Field ? header.id : idOfName(header.name));

/** The place of the first field of this name from `from` on, or -1. */
export const indexOf = (headers: ReadonlyArray<Header>, name: string, from: number): number => {
  const usual = idOfName(name);
  const wanted = usual === 0 ? canonicalName(name) : name;
  const id = usual === 0 ? idOfName(wanted) : usual;
  for (let i = from; i < headers.length; i++) if (isNamed(headers[i]!, id, wanted)) return i;
  return -1;
};
const NONE: ReadonlyArray<Header> = [];
const isNamed = (header: Header, id: number, wanted: string): boolean => {
  if (header instanceof Field && (id !== 0 || header.id !== 0)) return header.id === id;
  const { name } = header;
  return name === wanted || (name.length === wanted.length && name.toLowerCase() === wanted.toLowerCase());
};

/** The first field of this name. */
export const fieldOf = ({ headers }: HasHeaders, name: string): Header | undefined => {
  const at = indexOf(headers, name, 0);
  return at < 0 ? undefined : headers[at];
};
/** The first value of this field. */
export const headerOf = (message: HasHeaders, name: string): string | undefined => fieldOf(message, name)?.value;

/** All fields of this name, as they came. */
export const fieldsOf = ({ headers }: HasHeaders, name: string): ReadonlyArray<Header> => {
  const usual = idOfName(name);
  const wanted = usual === 0 ? canonicalName(name) : name;
  const id = usual === 0 ? idOfName(wanted) : usual;
  let found: Array<Header> | undefined;
  for (const header of headers) {
    if (!isNamed(header, id, wanted)) continue;
    if (found === undefined) found = [header];
    else found.push(header);
  }
  return found ?? NONE;
};

/** Every value of a field that is a list: one field with commas means the same as several. RFC 3261 §7.3.1. */
export const listOf = (message: HasHeaders, name: string): ReadonlyArray<string> => {
  const fields = fieldsOf(message, name);
  if (fields.length < 2) return fields.length === 0 ? NO_VALUES : partsOf(fields[0]!.value);
  const values: Array<string> = [];
  for (const { value } of fields) for (const part of partsOf(value)) values.push(part);
  return values;
};
const NO_VALUES: ReadonlyArray<string> = [];

/** With this field once, in the place of its first or else at the end; without it when the value is undefined. */
export const withHeader = <M extends HasHeaders>(message: M, name: string, value: string | undefined): M =>
  edited(message, name, value === undefined ? [] : [{ name, value }], "end");

/** With the list replaced, one value a field, standing where its first stood or else at the top. */
export const withList = <M extends HasHeaders>(message: M, name: string, values: ReadonlyArray<string>): M =>
  edited(
    message,
    name,
    values.map((value) => ({ name, value })),
    "top",
  );

/** With these fields before all others. */
export const withFirst = <M extends HasHeaders>(message: M, added: ReadonlyArray<Header>): M =>
  withHeaders(message, [...added, ...message.headers]);

/** The fields of `message`, those of this name as `other` has them, at the top. */
export const withFieldsOf = <M extends HasHeaders>(message: M, name: string, other: HasHeaders): M => {
  const wanted = canonicalName(name);
  const id = idOfName(wanted);
  const headers = [...fieldsOf(other, name)];
  for (const header of message.headers) if (!isNamed(header, id, wanted)) headers.push(header);
  return withHeaders(message, headers);
};

const edited = <M extends HasHeaders>(
  message: M,
  name: string,
  values: ReadonlyArray<Header>,
  missing: "top" | "end",
): M => {
  const wanted = canonicalName(name);
  const id = idOfName(wanted);
  const headers: Array<Header> = [];
  let isPlaced = values.length === 0;
  for (const header of message.headers) {
    if (!isNamed(header, id, wanted)) headers.push(header);
    else if (!isPlaced) {
      headers.push(...values);
      isPlaced = true;
    }
  }
  if (!isPlaced) headers.splice(missing === "top" ? 0 : headers.length, 0, ...values);
  return withHeaders(message, headers);
};

/** A message is copied by its names: to spread an object of a class costs engines five times as much. */
const withHeaders = <M extends HasHeaders>(message: M, headers: ReadonlyArray<Header>): M => {
  const from = message as HasHeaders & Record<string, unknown>;
  const { type } = from;
  if (type === "request") {
    const { method, uri, body } = from;
    return { type, method, uri, headers, body } as HasHeaders as M;
  }
  if (type !== "response") return { ...message, headers };
  const { status, reason, body } = from;
  return { type, status, reason, headers, body } as HasHeaders as M;
};
