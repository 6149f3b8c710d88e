/**
 * Text of the configuration document read as values: numbers within bounds, booleans, times, Node-IDs, base64.
 *
 * What cannot be read is a `Fault`, thrown inside this room only: document-read.ts turns it into an error that names the
 * element.
 * Requirements: RFC 6940 §11.1.
 */
import { type NodeId, nodeIdFrom } from "../reload/mod.ts";

export class Fault extends Error {
  readonly at: string;
  readonly why: string;
  constructor(at: string, why: string) {
    super(why);
    this.at = at;
    this.why = why;
  }
}
export const fail = (at: string, why: string): never => {
  throw new Fault(at, why);
};

export const numberIn = (
  text: string | undefined,
  at: string,
  otherwise: number | undefined,
  min: number,
  max: number,
): number => {
  if (text === undefined || text === "") return otherwise ?? fail(at, "missing");
  const value = Number(text);
  return /^-?[0-9]+$/.test(text) && value >= min && value <= max
    ? value
    : fail(at, `${text.slice(0, 20)} outside ${min}..${max}`);
};

export const truthIn = (text: string | undefined, at: string, otherwise: boolean): boolean => {
  if (text === undefined) return otherwise;
  return text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : fail(at, "not a boolean");
};

/** RFC 3339 in UTC. */
export const timeIn = (text: string): number => {
  const ms = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  return Number.isNaN(ms) ? fail("expiration", "not a time in UTC") : ms;
};

export const nodeIdIn = (text: string, at: string): NodeId =>
  /^[0-9a-fA-F]{1,32}$/.test(text) ? nodeIdFrom(BigInt(`0x${text}`)) : fail(at, "not a Node-ID");

export const base64In = (text: string, at: string): Uint8Array => {
  const bare = text.replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(bare) || bare.length % 4 !== 0) return fail(at, "not base64");
  return Uint8Array.from(atob(bare), (char) => char.charCodeAt(0));
};
