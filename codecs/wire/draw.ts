/**
 * A description drawn as its RFC draws it: for documentation, for golden files, for reading beside the original.
 *
 *   draw(VapMessage)      the figure, 32 bits a row: what has a fixed place is a box, what has not is a line of its own
 *   present(VapMessage)   the presentation language of RFC 5246 §4, which RFC 6940 §6.3.1 adopts
 */
import type { Wire } from "./describe.ts";
import type { Field, Node, StructNode, TlvNode, UintNode } from "./node.ts";

const ROW_BITS = 32;
const RULER = [
  " 0                   1                   2                   3",
  " 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1",
];

/** One field as the figure sees it: so many bits, or as many as there are. */
interface Box {
  readonly title: string;
  readonly bits: number | undefined;
}

/** The figure of a message: a ruler of 32 bits and the rows under it, each with its line end. Of a TLV: type, length and value. */
export const draw = (wire: Wire<unknown>): string => {
  const { node } = wire;
  const boxes =
    node.kind === "struct"
      ? node.fields.flatMap(boxesOf)
      : node.kind === "tlv"
        ? tlvBoxes(node)
        : boxesOf({ name: node.kind, node });
  return `${[...RULER, ...rowsOf(boxes)].join("\n")}\n`;
};

const boxesOf = ({ name, node }: Field): ReadonlyArray<Box> => {
  switch (node.kind) {
    case "uint":
      return [{ title: name, bits: 8 * node.bytes }];
    case "constant":
      return [{ title: constantTitle(name, node.value), bits: 8 * node.width.bytes }];
    case "lengthOf":
      return [{ title: name, bits: 8 * node.width.bytes }];
    case "enumeration":
      return [{ title: name, bits: 8 * node.width.bytes }];
    case "boolean":
      return [{ title: name, bits: 8 }];
    case "bits":
      return pictureBoxes(node.picture, node.parts);
    case "bytes":
      return [{ title: `${name} (${8 * node.size} bits)`, bits: 8 * node.size }];
    case "opaque":
    case "textVector":
    case "vector":
    case "opaqueOf":
      return [
        { title: `${name} length`, bits: 8 * node.prefix.bytes },
        { title: `${name} (variable)`, bits: undefined },
      ];
    case "struct":
      return node.fields.length === 0
        ? []
        : node.fields.flatMap((field) => boxesOf({ ...field, name: `${name}.${field.name}` }));
    case "tagged":
      return [
        { title: `type = ${hex(node.code)}`, bits: 8 * node.type.bytes },
        { title: "length", bits: 8 * node.length.bytes },
        ...boxesOf({ name, node: node.inner }),
      ];
    case "optional":
      return [{ title: `[${name}] (may be absent)`, bits: undefined }];
    default:
      return [{ title: `${name} (variable)`, bits: undefined }];
  }
};

const constantTitle = (name: string, value: number | bigint): string =>
  value === 0 || value === 0n ? "0" : `${name} = ${hex(value)}`;
const hex = (value: number | bigint): string => (value < 10 ? `${value}` : `0x${value.toString(16)}`);

/** Runs of one sign are one box each; the bits of a part that lies apart are drawn apart. */
const pictureBoxes = (
  picture: string,
  parts: ReadonlyArray<{ readonly letter: string; readonly name: string }>,
): ReadonlyArray<Box> =>
  [...picture.matchAll(/([01]+)|(.)\2*/g)].map(([run]) => ({
    title: parts.find(({ letter }) => letter === run[0])?.name ?? run,
    bits: run.length,
  }));

const tlvBoxes = ({ type, length, padTo }: TlvNode): ReadonlyArray<Box> => [
  { title: "type", bits: 8 * type.bytes },
  { title: "length", bits: 8 * length.bytes },
  { title: padTo === 1 ? "value (variable)" : `value (variable), padded to ${8 * padTo} bits`, bits: undefined },
];

const LINE = `+${"-+".repeat(ROW_BITS)}`;
const rowsOf = (boxes: ReadonlyArray<Box>): ReadonlyArray<string> => {
  const rows: Array<string> = [LINE];
  let row = "";
  let used = 0;
  const end = (): void => {
    if (used === 0) return;
    rows.push(row, `+${"-+".repeat(used)}`);
    row = "";
    used = 0;
  };
  for (const { title, bits } of boxes) {
    if (bits === undefined || bits > ROW_BITS) {
      end();
      rows.push(...tallBox(title, bits), LINE);
      continue;
    }
    if (used + bits > ROW_BITS) end();
    row += `${used === 0 ? "|" : ""}${centred(title, 2 * bits - 1)}|`;
    used += bits;
    if (used === ROW_BITS) {
      rows.push(row, LINE);
      row = "";
      used = 0;
    }
  }
  end();
  return rows;
};
const ROWS_SHOWN_MAX = 4;
const tallBox = (title: string, bits: number | undefined): ReadonlyArray<string> => {
  const line = `|${centred(title, 2 * ROW_BITS - 1)}|`;
  const blank = `|${centred("", 2 * ROW_BITS - 1)}|`;
  const height = bits === undefined ? 1 : Math.ceil(bits / ROW_BITS);
  if (height > ROWS_SHOWN_MAX || bits === undefined) return [line.replace(/^\||\|$/g, "/")];
  return Array.from({ length: 2 * height - 1 }, (_, i) => (i === height - 1 ? line : blank));
};
const centred = (text: string, width: number): string => {
  const shown = text.length > width ? text.slice(0, width) : text;
  const left = (width - shown.length) >> 1;
  return " ".repeat(left) + shown + " ".repeat(width - shown.length - left);
};

/** Every struct, TLV and enumeration of the description, the innermost first. */
export const present = ({ node }: Wire<unknown>): string => {
  const names = new Map<Node, string>();
  const blocks: Array<string> = [];
  const add: Add = (block, wish, text) => {
    const known = names.get(block);
    if (known !== undefined) return known;
    const taken = new Set(names.values());
    let name = wish;
    for (let i = 2; taken.has(name); i++) name = `${wish}${i}`;
    names.set(block, name);
    blocks.push(text(name));
    return name;
  };
  typeOf(node, node.kind, add);
  return `${blocks.join("\n\n")}\n`;
};
/** Adds a node's block once, under the name wished for or one like it, and gives that name. */
type Add = (node: Node, wish: string, text: (name: string) => string) => string;

const uintName = ({ bytes, signed }: UintNode): string => `${signed ? "int" : "uint"}${8 * bytes}`;

/** The type of a field, said in one word or two; what needs a block of its own is added to the blocks. */
const typeOf = (node: Node, name: string, add: Add): string => {
  switch (node.kind) {
    case "uint":
      return uintName(node) + (node.min === undefined ? "" : ` /* ${node.min}..${node.max} */`);
    case "bytes":
      return `opaque[${node.size}]`;
    case "rest":
      return "opaque[]";
    case "boolean":
      return "Boolean";
    case "text":
      return `utf8[] /* at most ${node.max} */`;
    case "opaque":
      return `opaque<${node.min}..${node.max}>`;
    case "textVector":
      return `utf8<${node.min}..${node.max}>`;
    case "vector":
      return `${typeOf(node.item, name, add)}<${node.min}..${node.max}>`;
    case "list":
      return `${typeOf(node.item, name, add)}[]`;
    case "opaqueOf":
      return `${typeOf(node.inner, name, add)}<0..${node.max}>`;
    case "enumeration":
      return add(node, capital(name), (given) => enumerationBlock(node, given));
    case "constant":
      return `${uintName(node.width)} = ${hex(node.value)}`;
    case "lengthOf":
      return `${uintName(node.width)} /* bytes of ${Array.isArray(node.of) ? node.of.join(", ") : node.of} */`;
    case "optional":
      return `${typeOf(node.inner, name, add)} /* may be absent */`;
    case "bits":
      return `uint${node.picture.length} /* ${node.picture} */`;
    case "tagged":
      return `${typeOf(node.inner, name, add)} /* type ${hex(node.code)}, ${uintName(node.length)} length */`;
    case "firstBit":
      return [node.zero, node.one].map((form, bit) => `${typeOf(form, name, add)} /* first bit ${bit} */`).join(" | ");
    case "select":
      return "select";
    case "struct":
      return node.fields.length === 0 ? "empty" : add(node, node.name, (given) => structBlock(node, given, add));
    case "tlv":
      return add(node, node.name, (given) => tlvBlock(node, given, add));
  }
};
const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

const enumerationBlock = (node: Extract<Node, { readonly kind: "enumeration" }>, name: string): string => {
  const words = Object.entries(node.names).map(([word, code]) => `${word}(${hex(code)})`);
  const most = `(2^${8 * node.width.bytes}-1)`;
  return `enum { ${[...words, node.open ? `${most}, ...` : most].join(", ")} } ${name};`;
};

const structBlock = (node: StructNode, name: string, add: Add): string => {
  const lines = node.fields.flatMap((field) => fieldLines(field, node.name, add));
  return [
    `struct {${node.spec === "" ? "" : ` /* ${node.spec} */`}`,
    ...lines.map((line) => `  ${line}`),
    `} ${name};`,
  ].join("\n");
};

const fieldLines = ({ name, node }: Field, owner: string, add: Add): ReadonlyArray<string> => {
  if (node.kind !== "select")
    return [`${typeOf(node, owner + capital(name), add)} ${name};`.replace(/^(.*?)( \/\*.*\*\/)( \w+;)$/, "$1$3$2")];
  const arms = Object.entries(node.cases).map(([arm, value]) => `  case ${arm}: ${typeOf(value, arm, add)};`);
  const otherwise = node.otherwise === undefined ? [] : [`  default: ${typeOf(node.otherwise, name, add)};`];
  return [`select (${node.on}) {`, ...arms, ...otherwise, `} ${name};`];
};

const tlvBlock = (node: TlvNode, name: string, add: Add): string => {
  const arms = node.cases.map(
    ({ name: arm, code, value }) => `    case ${hex(code)}: ${typeOf(value, arm, add)} ${arm};`,
  );
  const padding = node.padTo === 1 ? [] : [`  /* zeros to a multiple of ${node.padTo} bytes */`];
  return [
    `struct {${node.spec === "" ? "" : ` /* ${node.spec} */`}`,
    `  ${uintName(node.type)} type;`,
    `  ${uintName(node.length)} length;`,
    "  select (type) {",
    ...arms,
    "    default: opaque[] unknown;",
    "  };",
    ...padding,
    `} ${name};`,
  ].join("\n");
};
