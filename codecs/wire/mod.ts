/** Binary messages described once: the words, and what reads a description. */

export { type Cut, cut, cutViews, emptyRemainder, type Remainder } from "./cut.ts";
export { decode, decodeFirst, decodeFirstViews, decodeViews, type First } from "./decode.ts";
export {
  bits,
  boolean,
  byFirstBit,
  bytes,
  constant,
  type Derived,
  empty,
  enumeration,
  flag,
  i32,
  lengthOf,
  lengthOfAfter,
  lengthOfWhole,
  list,
  type Optional,
  opaque,
  opaqueOf,
  openEnumeration,
  optional,
  rest,
  type Select,
  select,
  selectBy,
  shownAs,
  type TypeOf,
  tagged,
  text,
  textVector,
  tlv,
  type Uint,
  type Unknown,
  u8,
  u16,
  u24,
  u32,
  u64,
  u128,
  vector,
  type Width,
  type Wire,
  within,
} from "./describe.ts";
export { draw, present } from "./draw.ts";
export { encode } from "./encode.ts";
export { type Decoded, Unfit, type WireError, wireErrorText } from "./error.ts";
export { type Span, type Spans, spanOf, spansOf } from "./span.ts";
export { type Fields, type Struct, type StructOf, struct } from "./struct.ts";
