/**
 * The VAP message: a STUN-shaped header, then attributes. draft-jennings-vipr-vap-02 §9; the layout is that of
 * RFC 5389 §6, figures 2 and 3.
 *
 *   |00| method, class |    length     |  cookie 0x41666679  |  transaction id, 96 bits  |  attributes ...
 */
import { bits, bytes, constant, lengthOf, list, struct, type TypeOf, u16, u32 } from "../wire/mod.ts";
import { VapAttribute } from "./attributes.ts";
import {
  errorCode,
  errorReason,
  magicCookie,
  messageClass,
  method,
  protocolVersion,
  type VapError,
} from "./registry.ts";

/** 96 bits, drawn at random; an answer has those of its request. */
export const TRANSACTION_ID_BYTES = 12;

/** The bits of the method surround those of the class. An unknown method is preserved, so that it can be answered. */
const MessageType = bits("00MMMMMCMMMCMMMM", { method: ["M", method, "open"], class: ["C", messageClass] });

/** A message; `type` is its method and its class. Malformed without the cookie, or where an attribute goes over the end. */
// biome-ignore format: columns
export const VapMessage = struct("VapMessage", "RFC 5389 §6", {
  type:          MessageType,
  length:        lengthOf("attributes", u16),
  cookie:        constant(u32, magicCookie),
  transactionId: bytes(TRANSACTION_ID_BYTES),
  attributes:    list(VapAttribute),
});
export type VapMessage = TypeOf<typeof VapMessage>;

/** The name of a method that the draft assigns. */
export type VapMethod = keyof typeof method;
type Known = Exclude<VapAttribute, { readonly type: "unknown" }>;
/** The name of an attribute that we know. */
export type VapAttributeName = Known["type"];
/** The value of the attribute of that name. */
export type VapAttributeValue<K extends VapAttributeName> = Extract<Known, { readonly type: K }>["value"];

/** A message without user name, realm and MESSAGE-INTEGRITY, which are added where the keys are. */
export interface VapContent {
  readonly method: VapMethod;
  readonly class: VapMessage["type"]["class"];
  readonly attributes: ReadonlyArray<VapAttribute>;
}

/** The value of the first attribute of that name. */
export const valueIn = <K extends VapAttributeName>(
  { attributes }: { readonly attributes: ReadonlyArray<VapAttribute> },
  name: K,
): VapAttributeValue<K> | undefined =>
  attributes.find((attribute) => attribute.type === name)?.value as VapAttributeValue<K> | undefined;

/** An ERROR-CODE attribute, with the draft's reason or a more precise one. */
export const errorAttribute = (error: VapError, reason: string = errorReason[error]): VapAttribute => {
  const code = errorCode[error];
  return { type: "errorCode", value: { class: Math.floor(code / 100), number: code % 100, reason } };
};

/** The number of an error response; 478 also carries our version. Undefined for other messages. */
export const errorNumberOf = (message: VapMessage): number | undefined => {
  const error = valueIn(message, "errorCode");
  return message.type.class !== "error" || error === undefined ? undefined : 100 * error.class + error.number;
};

/** Protocol-Version, with the one version that we speak. */
export const ourVersion: VapAttribute = { type: "protocolVersion", value: protocolVersion };
