/**
 * A request to an admin port, its answer, and who may ask at all.
 *
 * A page in a browser can be made to connect to a name that resolves to 127.0.0.1 ("DNS rebinding"), and then sends that name
 * as Host: so only this machine's own names are served.
 */

import type { Effect } from "effect";

/** Of the body of a request. */
export const ADMIN_BODY_BYTES_MAX = 4_096;

export interface AdminRequest {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** The Host header, empty when missing. */
  readonly host: string;
  /** The Authorization header, empty when missing. */
  readonly authorization: string;
  readonly body: string;
}

/** Writes, as room allows, until it is interrupted: the asker has gone, or the port is closed. */
export type Live = (write: (text: string) => Effect.Effect<void>) => Effect.Effect<void>;

/** The body is sent as JSON, or a text as it is under its media type. */
export interface AdminAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly contentType?: string;
  /** Methods that the path takes, where the request had another. */
  readonly allow?: string;
  /** Beside those of every answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** After the head and instead of the body. */
  readonly live?: Live;
  /** For a client that proved the token without sending it: proves that this node has it too. */
  readonly seal?: string;
}

export type AdminHandle = (request: AdminRequest) => Effect.Effect<AdminAnswer>;

export const refused = (status: number, error: string): AdminAnswer => ({ status, body: { error } });

/** With any port, since a forwarded port on this machine is still this machine. */
export const isThisMachine = (host: string): boolean => THIS_MACHINE.test(host.toLowerCase());
const THIS_MACHINE = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(:\d{1,5})?$/;
export const OTHER_MACHINE: AdminAnswer = refused(421, "this port answers as 127.0.0.1, ::1 or localhost only");

/** Why this request is not served where `method` is wanted; undefined: it is. `allow`: all methods that are served there. */
export const objectionTo = (
  { host, method, path }: AdminRequest,
  wanted: string,
  allow: string = wanted,
): AdminAnswer | undefined => {
  if (!isThisMachine(host)) return OTHER_MACHINE;
  return allow.split(", ").includes(method) ? undefined : { ...refused(405, `${path} takes ${wanted}`), allow };
};

/** The object that a body of JSON is, or what is wrong with it. */
export const objectIn = (body: string): Readonly<Record<string, unknown>> | string => {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return "the body is no JSON";
  }
  if (typeof given !== "object" || given === null) return "the body is no object";
  return given as Readonly<Record<string, unknown>>;
};
