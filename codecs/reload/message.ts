/**
 * The payload of a RELOAD message: its contents, by message code, and the security block. RFC 6940 §6.3.3.
 *
 *   payload = MessageContents { code, body, extensions } ++ SecurityBlock
 *
 * A body stays bytes until the signature over it has been looked at; `decodeBody` reads it by its code.
 */
import {
  boolean,
  type Decoded,
  decode,
  empty,
  encode,
  opaque,
  rest,
  struct,
  type TypeOf,
  u16,
  u32,
  vector,
  type Wire,
} from "../wire/mod.ts";
import { type ErrorName, errorCode, messageCode } from "./registry.ts";
import { SecurityBlock, Signature } from "./security.ts";
import { FetchAns, FetchReq, FindAns, FindReq, StatAns, StoreAns, StoreReq } from "./storage.ts";
import {
  AppAttach,
  Attach,
  ChordRouteQueryAns,
  ChordUpdate,
  ConfigUpdateReq,
  JoinAns,
  JoinReq,
  LeaveReq,
  PingAns,
  PingReq,
  ProbeAns,
  ProbeReq,
  RouteQueryReq,
} from "./topology.ts";

/** A type, and whether a receiver that does not know it must refuse the message. */
export const MessageExtension = struct("MessageExtension", "RFC 6940 §6.3.3", {
  type: u16,
  critical: boolean,
  contents: opaque(u32),
});
/** Message code, the bytes of its body, and extensions; the signature covers these bytes. */
export const MessageContents = struct("MessageContents", "RFC 6940 §6.3.3", {
  code: u16,
  body: opaque(u32),
  extensions: vector(MessageExtension, u32),
});
export type MessageContents = TypeOf<typeof MessageContents>;

/** The message code at the head of a payload, if two bytes are there: enough to distinguish requests from answers. */
export const codeOf = (payload: Uint8Array): number | undefined =>
  payload.length < 2 ? undefined : (payload[0]! << 8) | payload[1]!;

/** What follows the forwarding header of a whole message. */
export const Payload = struct("Payload", "RFC 6940 §6.3", { contents: MessageContents, security: SecurityBlock });
export type Payload = TypeOf<typeof Payload>;

/** What is written of a payload once its signature is made: the signature covers the contents as they were written. */
const SealedPayload = struct("SealedPayload", "RFC 6940 §6.3", {
  contents: rest,
  certificates: rest,
  signature: Signature,
});
/** A payload of its parts: the contents, then a written `Certificates`. */
export const sealedPayload = (contents: Uint8Array, certificates: Uint8Array, signature: Signature): Uint8Array =>
  encode(SealedPayload, { contents, certificates, signature });

/** The body of an error: its code (`errorNameOf` has the name), and up to 65,535 bytes on what happened. */
export const ErrorResponse = struct("ErrorResponse", "RFC 6940 §6.3.3.1", { code: u16, info: opaque(u16) });
export type ErrorResponse = TypeOf<typeof ErrorResponse>;

/** "the conversion between the two is obvious", §6.3.3: here it is. */
// biome-ignore format: columns
const bodies = {
  probeReq: ProbeReq,           probeAns: ProbeAns,
  attachReq: Attach,            attachAns: Attach,
  storeReq: StoreReq,           storeAns: StoreAns,
  fetchReq: FetchReq,           fetchAns: FetchAns,
  findReq: FindReq,             findAns: FindAns,
  joinReq: JoinReq,             joinAns: JoinAns,
  leaveReq: LeaveReq,           leaveAns: empty,
  updateReq: ChordUpdate,       updateAns: empty,
  routeQueryReq: RouteQueryReq, routeQueryAns: ChordRouteQueryAns,
  pingReq: PingReq,             pingAns: PingAns,
  statReq: FetchReq,            statAns: StatAns,
  appAttachReq: AppAttach,      appAttachAns: AppAttach,
  configUpdateReq: ConfigUpdateReq, configUpdateAns: empty,
  error: ErrorResponse,
} satisfies Record<keyof typeof messageCode, Wire<any>>;
/** The description of each body, by the name of its message code. */
export const messageBodies = bodies;

/** The name of a message code that we know: `storeReq`, `storeAns`, `error`. */
export type BodyType = keyof typeof bodies;
/** The value of the body of that message code. */
export type BodyOf<K extends BodyType> = TypeOf<(typeof bodies)[K]>;
/** A body with its message code's name. */
export type Body = { [K in BodyType]: { readonly type: K; readonly value: BodyOf<K> } }[BodyType];
/** Those that end in `Req`. */
export type RequestType = Extract<BodyType, `${string}Req`>;
/** The body of a request. */
export type Request = Extract<Body, { type: RequestType }>;
/** The body of an answer that is no error. */
export type Answer = Exclude<Body, { type: RequestType | "error" }>;

const typeOfCode = new Map<number, BodyType>(
  Object.entries(messageCode).map(([type, code]) => [code, type as BodyType]),
);
/** The name of a message code; undefined for a code that we do not know. */
export const bodyTypeOf = (code: number): BodyType | undefined => typeOfCode.get(code);
/** Requests are odd, answers even, errors 0xffff. */
export const isRequestCode = (code: number): boolean => code % 2 === 1 && code < 0x8000;

/** Contents without extensions. Throws Unfit for a value that the body's description does not allow. */
export const encodeBody = (body: Body): MessageContents => ({
  code: messageCode[body.type],
  body: encode(bodies[body.type] as Wire<unknown>, body.value),
  extensions: [],
});

/** The body of a code we know; of one we do not, `undefined`. */
export const decodeBody = (contents: MessageContents): Decoded<Body> | undefined => {
  const type = bodyTypeOf(contents.code);
  if (type === undefined) return undefined;
  const read = decode(bodies[type] as Wire<any>, contents.body);
  return read.ok ? { ok: true, value: { type, value: read.value } as Body } : read;
};

const text = new TextEncoder();
/** The answer that refuses; `info`: its error_info, a text becomes UTF-8. RFC 6940 §6.3.3.1. */
export const errorBody = (name: ErrorName, info: string | Uint8Array = ""): Body => ({
  type: "error",
  value: { code: errorCode[name], info: typeof info === "string" ? text.encode(info) : info },
});
