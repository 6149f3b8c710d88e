/**
 * The way of a number through the server, as spans of OpenTelemetry: each event is one. All of a number have one trace, and
 * those of one call hang on the span of its record.
 *
 *   trace  HMAC(key, number)          call  HMAC(key, number, call)          the key never leaves the directory
 *
 * A collector may be anybody's: a number is masked, and nobody can find its trace by trying numbers. DECISIONS.md D-226.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import { maskE164 } from "../../codecs/shared/mod.ts";

const TRACE_BYTES = 16;
const SPAN_BYTES = 8;
const TEXT_CHARS_MAX = 256;

type Value = { readonly stringValue: string } | { readonly intValue: string } | { readonly doubleValue: number };

/** As OTLP's JSON has it: identifiers in hexadecimal, times as texts of nanoseconds. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 1;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: Value }>;
  readonly status: { readonly code: 0 | 2 };
}

const FAILED = ["publishFailed", "lookUpFailed", "dropped", "crowded", "ambiguous"];

export const spanOf = (key: Uint8Array, event: ViprEvent, atMs: number): OtlpSpan => {
  const derived = (bytes: number, ...parts: ReadonlyArray<string>) =>
    createHmac("sha256", key).update(JSON.stringify(parts)).digest().subarray(0, bytes).toString("hex");
  const call = "call" in event ? derived(SPAN_BYTES, event.number, textOf(event.call)) : undefined;
  const isRecord = event.type === "vcr" && call !== undefined;
  const nano = `${BigInt(Math.round(atMs)) * 1_000_000n}`;
  return {
    traceId: derived(TRACE_BYTES, event.number),
    spanId: isRecord ? call : randomBytes(SPAN_BYTES).toString("hex"),
    ...(call === undefined || isRecord ? {} : { parentSpanId: call }),
    name: `vipr.${event.type}`,
    kind: 1,
    startTimeUnixNano: nano,
    endTimeUnixNano: nano,
    attributes: attributesOf(event),
    status: { code: FAILED.includes(event.type) ? 2 : 0 },
  };
};

const attributesOf = (event: ViprEvent): OtlpSpan["attributes"] => {
  const { type: _, number, ...rest } = event;
  const { attempt, ...flat } = rest as Readonly<Record<string, unknown>>;
  const { verdict, method, bits, code } = (attempt ?? {}) as Readonly<Record<string, unknown>>;
  const known = {
    number: maskE164(number),
    ...flat,
    verdict,
    method,
    ...(attempt === undefined ? {} : { bits, code }),
  };
  return Object.entries(known).flatMap(([key, value]) => {
    const made = attributeValue(value);
    return made === undefined ? [] : [{ key: `vipr.${key}`, value: made }];
  });
};

/** Texts, numbers and truths alone: what is nested may hold a peer's document. */
const attributeValue = (value: unknown): Value | undefined => {
  if (typeof value === "string") return { stringValue: value.slice(0, TEXT_CHARS_MAX) };
  if (typeof value === "boolean") return { stringValue: String(value) };
  if (typeof value === "bigint") return { stringValue: value.toString(16) };
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
};

const textOf = (call: unknown): string =>
  JSON.stringify(call, (_, value: unknown) => (typeof value === "bigint" ? value.toString(16) : value));
