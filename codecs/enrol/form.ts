/**
 * multipart/form-data over bytes, as browsers and curl write it. RFC 7578, which replaces the RFC 2388 that RFC 6940 §11.3
 * names; frame by RFC 2046 §5.1.1.
 *
 *   --boundary CRLF
 *   Content-Disposition: form-data; name="csr" CRLF
 *   Content-Type: application/pkcs10 CRLF
 *   CRLF
 *   (bytes) CRLF
 *   --boundary-- CRLF
 *
 * The reader is strict: no preamble, no epilogue, no transfer encoding but the identity. DECISIONS.md D-011.
 */
import { concat, utf8 } from "../shared/mod.ts";
import { mediaType } from "./registry.ts";

/** Of a whole body that is read. */
export const FORM_BYTES_MAX = 65_536;
/** Of the fields in it. */
export const FORM_PARTS_MAX = 16;
const PART_HEADER_BYTES_MAX = 1_024;
const BOUNDARY_FORM = /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/;
const NAME_FORM = /^[A-Za-z0-9_.-]{1,64}$/;

/** One field: 1 to 64 letters, digits, `_`, `.` or `-` as its name, and its bytes as they came. */
export interface FormPart {
  readonly name: string;
  /** Lower case, without parameters. Absent means text/plain. */
  readonly contentType?: string;
  readonly body: Uint8Array;
}

/** Why a form is not read. */
export interface FormError {
  readonly _tag: "BadForm";
  /** Where: `content-type`, `part[1].name`, a field's name, … */
  readonly at: string;
  readonly why: string;
}
/** What reading a form gives. */
export type FormRead<A> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: FormError };

/** The failure, for a reader of forms. */
export const badForm = (at: string, why: string): { readonly ok: false; readonly error: FormError } => ({
  ok: false,
  error: { _tag: "BadForm", at, why },
});

/** The boundary must not occur in a body, so draw it at random. Throws on field names that our forms do not have. */
export const writeForm = (parts: ReadonlyArray<FormPart>, boundary: string): Uint8Array => {
  if (!BOUNDARY_FORM.test(boundary)) throw new Error("not a boundary");
  const written = parts.map(({ name, contentType, body }) => {
    if (!NAME_FORM.test(name)) throw new Error("not a field's name");
    const type = contentType === undefined ? "" : `Content-Type: ${contentType}\r\n`;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n${type}\r\n`;
    return concat(utf8(head), body, utf8("\r\n"));
  });
  return concat(...written, utf8(`--${boundary}--\r\n`));
};

/** The value of Content-Type for a form of this boundary. It is not checked here, but by `writeForm`. */
export const formContentType = (boundary: string): string => `${mediaType.form}; boundary="${boundary}"`;

/** The parts in the order sent; a name that occurs twice is returned twice. */
export const readForm = (contentType: string, body: Uint8Array): FormRead<ReadonlyArray<FormPart>> => {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) return badForm("content-type", "not multipart/form-data with a boundary");
  if (body.length > FORM_BYTES_MAX) return badForm("body", `over ${FORM_BYTES_MAX} bytes`);
  const text = asciiOf(body); // one character a byte: places in it are places in the body
  const opening = `--${boundary}\r\n`;
  if (!text.startsWith(opening)) return badForm("body", "does not begin with its boundary");
  const parts: Array<FormPart> = [];
  let at = opening.length;
  while (true) {
    const where = `part[${parts.length}]`;
    if (parts.length >= FORM_PARTS_MAX) return badForm(where, `over ${FORM_PARTS_MAX} parts`);
    const end = text.indexOf(`\r\n--${boundary}`, Math.max(0, at - 2));
    if (end < 0) return badForm(where, "no closing boundary");
    const part = readPart(text.slice(at, Math.max(at, end)), body.subarray(at, Math.max(at, end)), where);
    if (!part.ok) return part;
    parts.push(part.value);
    at = end + 4 + boundary.length;
    const after = text.slice(at, at + 4);
    if (after === "--" || after === "--\r\n")
      return text.length === at + after.length ? { ok: true, value: parts } : badForm("body", "goes on after its end");
    if (!after.startsWith("\r\n")) return badForm(where, "its boundary does not end the line");
    at += 2;
  }
};

const boundaryOf = (contentType: string): string | undefined => {
  const header = readHeader(contentType);
  const boundary = header?.value === mediaType.form ? header.parameters.get("boundary") : undefined;
  return boundary !== undefined && BOUNDARY_FORM.test(boundary) ? boundary : undefined;
};

interface Header {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** `value; name=token; name="quoted"`: the value and the names in lower case. RFC 2045 §5.1. */
const readHeader = (text: string): Header | undefined => {
  const value = text.split(";", 1)[0]!;
  const parameter = /;\s*([A-Za-z0-9*_-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))\s*/y;
  const parameters = new Map<string, string>();
  parameter.lastIndex = value.length;
  for (let at = value.length; at < text.length; at = parameter.lastIndex) {
    const match = parameter.exec(text);
    if (match === null || parameters.has(match[1]!.toLowerCase())) return undefined;
    parameters.set(match[1]!.toLowerCase(), match[2] ?? match[3]!);
  }
  return { value: value.trim().toLowerCase(), parameters };
};

const readPart = (text: string, bytes: Uint8Array, where: string): FormRead<FormPart> => {
  const blank = text.startsWith("\r\n") ? 0 : text.indexOf("\r\n\r\n");
  if (blank <= 0) return badForm(where, "no header, or no blank line after it");
  if (blank > PART_HEADER_BYTES_MAX) return badForm(where, `header over ${PART_HEADER_BYTES_MAX} bytes`);
  const headers = new Map<string, string>();
  for (const line of text.slice(0, blank).split("\r\n")) {
    const match = /^([A-Za-z0-9-]+):[ \t]*([^\r\n]*)$/.exec(line);
    if (match === null) return badForm(where, "a header line without a name");
    const key = match[1]!.toLowerCase();
    if (headers.has(key)) return badForm(`${where}.${key}`, "twice");
    headers.set(key, match[2]!.trim());
  }
  const name = nameOf(headers.get("content-disposition") ?? "");
  if (name === undefined) return badForm(`${where}.name`, "no form-data disposition with a name");
  if (!/^(7bit|8bit|binary)$/i.test(headers.get("content-transfer-encoding") ?? "binary"))
    return badForm(`${where}.content-transfer-encoding`, "not the identity");
  const type = headers.get("content-type")?.replace(/;.*$/, "").trim().toLowerCase();
  return {
    ok: true,
    value: { name, ...(type === undefined ? {} : { contentType: type }), body: bytes.slice(blank + 4) },
  };
};

const nameOf = (disposition: string): string | undefined => {
  const header = readHeader(disposition);
  const name = header?.value === "form-data" ? header.parameters.get("name") : undefined;
  return name !== undefined && NAME_FORM.test(name) ? name : undefined;
};

const CHARS_AT_ONCE = 8_192; // arguments of one call
const asciiOf = (bytes: Uint8Array): string => {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHARS_AT_ONCE)
    text += String.fromCharCode(...bytes.subarray(at, at + CHARS_AT_ONCE));
  return text;
};
