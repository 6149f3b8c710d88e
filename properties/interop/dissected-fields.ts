/**
 * What Wireshark must show of a message, by our own decoder: every field's name, place and value, in the order of the bytes. The
 * places are those of `spansOf`, the values those of `decode`; the names are made as codecs/wire/lua.ts says.
 */
import { hexOf } from "../../codecs/shared/mod.ts";
import { decode, type Spans, spansOf, type Wire } from "../../codecs/wire/mod.ts";
import type { Node, StructNode, UintNode } from "../../codecs/wire/node.ts";

export interface ShownField {
  readonly name: string;
  readonly at: number;
  readonly size: number;
  /** A number as it is shown, 0 or 1 for a boolean; or bytes in hexadecimal. Neither of what only holds others. */
  readonly number?: string | undefined;
  readonly bytes?: string | undefined;
}

/** Of bytes that are one whole message. */
export const shownFields = (wire: Wire<unknown>, bytes: Uint8Array, prefix: string): ReadonlyArray<ShownField> => {
  const [value, spans] = [decode(wire, bytes), spansOf(wire, bytes)];
  if (!value.ok || !spans.ok || wire.node.kind !== "struct") throw new Error("not a message of that description");
  const fields: Array<ShownField> = [];
  const walk = walkerOf(bytes, spans.value, (field) => fields.push(field));
  walk.struct(wire.node, value.value as object, "", prefix);
  return fields;
};

const bigAt = (bytes: Uint8Array, at: number, size: number): string =>
  BigInt(`0x${hexOf(bytes.subarray(at, at + size))}`).toString();

const walkerOf = (bytes: Uint8Array, spans: Spans, put: (field: ShownField) => void) => {
  const hex = (from: number, to: number) => hexOf(bytes.subarray(from, to));
  const uint = ({ bytes: size, signed }: UintNode, at: number, name: string): number => {
    if (size === 16) put({ name, at, size, bytes: hex(at, at + 16) });
    else put({ name, at, size, number: signed ? String(Number(bigAt(bytes, at, 4)) | 0) : bigAt(bytes, at, size) });
    return at + size;
  };
  const leaf = (from: number, to: number, name: string) =>
    put({ name, at: from, size: to - from, bytes: hex(from, to) });
  const items = (item: Node, value: ReadonlyArray<unknown>, path: string, from: number, to: number, own: string) => {
    put({ name: own, at: from, size: to - from });
    for (const [i, one] of value.entries()) {
      const place = `${path}[${i}]`;
      const { start, end } = spans.get(place)!;
      node(item, one, place, start, end, `${own}.item`, own);
    }
  };
  const struct = (of: StructNode, value: any, path: string, base: string): void => {
    for (const { name, node: field } of of.fields) {
      const place = path === "" ? name : `${path}.${name}`;
      const { start, end } = spans.get(place)!;
      const own = `${base}.${name}`;
      if (field.kind !== "select") node(field, value[name], place, start, end, own, own);
      else {
        const on = field.on.split(".").reduce((held: any, part) => held[part], value);
        const arm = typeof on === "string" ? field.cases[on] : undefined;
        const armOwn = `${own}.${arm === undefined ? "otherwise" : on}`;
        node(arm ?? field.otherwise!, value[name], place, start, end, armOwn, armOwn);
      }
    }
  };
  const node = (of: Node, value: any, path: string, from: number, to: number, own: string, base: string): unknown => {
    switch (of.kind) {
      case "uint":
        return uint(of, from, own);
      case "enumeration":
      case "constant":
      case "lengthOf":
        return uint(of.width, from, own);
      case "boolean":
        return put({ name: own, at: from, size: 1, number: value ? "1" : "0" });
      case "bytes":
      case "rest":
      case "text":
        return leaf(from, to, own);
      case "opaque":
      case "textVector":
        return leaf(uint(of.prefix, from, `${own}.length`), to, own);
      case "vector":
        return items(of.item, value, path, uint(of.prefix, from, `${own}.length`), to, own);
      case "list":
        return items(of.item, value, path, from, to, own);
      case "opaqueOf":
        return node(of.inner, value, path, uint(of.prefix, from, `${own}.length`), to, own, own);
      case "optional":
        return value === undefined ? undefined : node(of.inner, value, path, from, to, own, base);
      case "firstBit":
        return node(bytes[from]! < 128 ? of.zero : of.one, value, path, from, to, own, base);
      case "bits": {
        const size = (of.picture.length / 8) as 1;
        uint({ kind: "uint", bytes: size, signed: false }, from, own);
        for (const { name, names, flag } of of.parts) {
          const word = value[name];
          const shown = flag ? (word ? "1" : "0") : String(typeof word === "string" ? names![word] : word);
          put({ name: `${own}.${name}`, at: from, size, number: shown });
        }
        return undefined;
      }
      case "tagged": {
        const after = uint(of.length, uint(of.type, from, `${own}.code`), `${own}.length`);
        return node(of.inner, value, path, after, to, own, own);
      }
      case "tlv": {
        put({ name: own, at: from, size: to - from });
        const after = uint(of.length, uint(of.type, from, `${base}.type`), `${base}.length`);
        const arm = of.cases.find(({ name }) => name === value.type);
        const end = after + Number(bigAt(bytes, after - of.length.bytes, of.length.bytes));
        const armOwn = `${base}.${value.type}`;
        return node(arm?.value ?? { kind: "rest" }, value.value, `${path}.${value.type}`, after, end, armOwn, armOwn);
      }
      case "struct":
        put({ name: own, at: from, size: to - from });
        return struct(of, value, path, base);
      case "select":
        throw new Error("a select stands in a struct");
    }
  };
  return { struct };
};

/** The protocols of each packet as tshark's PDML has them: their fields, and what they complain of. */
export interface ShownProtocol {
  readonly name: string;
  readonly fields: ReadonlyArray<ShownField>;
  readonly faults: ReadonlyArray<string>;
}

export const pdmlOf = (text: string, prefix: string): ReadonlyArray<ReadonlyArray<ShownProtocol>> =>
  text
    .split("<packet>")
    .slice(1)
    .map((packet) =>
      [...packet.matchAll(/<proto name="([^"]*)"[^>]* pos="(\d+)">([\s\S]*?)\n {2}<\/proto>/g)]
        .filter(([, name]) => name!.startsWith(prefix))
        .map(([, name, pos, inside]) => protocolOf(name!, Number(pos), inside!)),
    );

const attributeOf = (field: string, name: string): string =>
  (new RegExp(` ${name}="([^"]*)"`).exec(field)?.[1] ?? "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#x27;", "'")
    .replaceAll("&amp;", "&");

const protocolOf = (prefix: string, start: number, inside: string): ShownProtocol => {
  const all = [...inside.matchAll(/<field [^>]*>/g)].map(([field]) => ({
    name: attributeOf(field, "name"),
    show: attributeOf(field, "show"),
    value: attributeOf(field, "value"),
    at: Number(attributeOf(field, "pos")) - start,
    size: Number(attributeOf(field, "size")),
  }));
  return {
    name: prefix,
    fields: all
      .filter((field) => field.name.startsWith(`${prefix}.`) && !/\.(malformed|unassigned)$/.test(field.name))
      .map(({ name, at, size, show, value }) => ({ name, at, size, number: numberIn(show), bytes: value })),
    faults: all.flatMap(({ name }, i) =>
      name === `${prefix}.malformed`
        ? [all.slice(i).find((field) => field.name === "_ws.expert.message")?.show ?? ""]
        : [],
    ),
  };
};

const numberIn = (show: string): string | undefined =>
  /^-?\d+$/.test(show) ? show : /^0x[0-9a-f]+$/.test(show) ? BigInt(show).toString() : undefined;
