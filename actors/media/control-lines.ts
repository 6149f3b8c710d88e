/**
 * What a call agent and the media relay of a border element in another program tell each other of calls that go on over the
 * telephone network: lines of JSON over one TCP connection. docs/protocol/media.md#two-programs
 *
 *   agent --> relay    token (first); offer, settle: with an id, by which they are answered; move, tell
 *   relay --> agent    welcome; described, refused: with that id; trouble; quiet: each second, all calls that are
 */
import { Schema } from "effect";
import type { MediaRefusal, MediaTrouble } from "./relay.ts";

/** A description, and what is around it. */
export const CONTROL_LINE_CHARS_MAX = 65_536;

const Call = Schema.Struct({ call: Schema.String });
const Dialog = Schema.Struct({ callId: Schema.String, from: Schema.String });
const Id = Schema.Struct({ id: Schema.Int });
const typed = <const T extends string, F extends Schema.Struct.Fields>(type: T, fields: F) =>
  Schema.Struct({ type: Schema.Literal(type), ...fields });

const Order = Schema.Union([
  typed("token", { token: Schema.String }),
  typed("offer", { ...Id.fields, ...Call.fields }),
  typed("settle", { ...Id.fields, ...Call.fields, sdp: Schema.String }),
  typed("move", Call.fields),
  typed("tell", Call.fields),
]);
export type ControlOrder = typeof Order.Type;

const REFUSALS = [
  "notSecured",
  "notAnOffer",
  "badAddress",
  "limit",
  "unavailable",
  "noCodec",
] as const satisfies ReadonlyArray<MediaRefusal>;
const TROUBLES = ["silence", "loss", "reportedLoss", "noticed"] as const satisfies ReadonlyArray<MediaTrouble["why"]>;
const Report = Schema.Union([
  typed("welcome", {}),
  typed("described", { ...Id.fields, sdp: Schema.String }),
  typed("refused", { ...Id.fields, reason: Schema.Literals(REFUSALS), why: Schema.String }),
  typed("trouble", {
    ...Call.fields,
    dialog: Dialog,
    why: Schema.Literals(TROUBLES),
  }),
  typed("quiet", { calls: Schema.Array(Schema.Struct({ ...Call.fields, dialog: Dialog, ms: Schema.Finite })) }),
]);
export type ControlReport = typeof Report.Type;

const reading = <A>(schema: Schema.Codec<A, any>) => {
  const read = Schema.decodeUnknownOption(Schema.fromJsonString(schema));
  return (line: string): A | undefined => {
    const found = read(line);
    return found._tag === "Some" ? found.value : undefined;
  };
};
/** Undefined: it is none. */
export const readOrder: (line: string) => ControlOrder | undefined = reading(Order);
export const readReport: (line: string) => ControlReport | undefined = reading(Report);

const encoder = new TextEncoder();
export const printLine = (what: ControlOrder | ControlReport): Uint8Array =>
  encoder.encode(`${JSON.stringify(what)}\n`);

/** Whole lines out of what a stream has brought. Undefined: one is too long, and the stream is to end. */
export const lineReader = (): ((chunk: Uint8Array) => ReadonlyArray<string> | undefined) => {
  const decoder = new TextDecoder();
  let rest = "";
  return (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    return [rest, ...lines].some(({ length }) => length > CONTROL_LINE_CHARS_MAX) ? undefined : lines;
  };
};
