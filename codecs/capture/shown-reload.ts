/**
 * A message of RELOAD as a capture may hold it. What the overlay's members say to each other is public among them, and signed; two
 * fields are not: an Attach may carry an ICE password, RFC 6940 §6.5.1.1, and a configuration document the shared secret of an overlay
 * that has one, §11.1. Only where one of these is cleared does the signature not hold any more.
 *
 * A fragment and a method that we do not know cannot be cleared, and are not shown. DECISIONS.md D-332.
 */
import { type Body, decodeBody, encodeBody, Packet, Payload } from "../reload/mod.ts";
import { utf8 } from "../shared/mod.ts";
import { decode, encode } from "../wire/mod.ts";

/** Undefined: it could not be read. */
export const shownReload = (bytes: Uint8Array): Uint8Array | undefined => {
  const packet = decode(Packet, bytes);
  const payload = packet.ok ? decode(Payload, packet.value.payload) : undefined;
  if (!packet.ok || payload?.ok !== true) return undefined;
  const { contents, security } = payload.value;
  const body = decodeBody(contents);
  if (body?.ok !== true) return undefined;
  const shown = shownBody(body.value);
  if (shown === body.value) return bytes;
  const cleared = { contents: { ...encodeBody(shown), extensions: contents.extensions }, security };
  return encode(Packet, { ...packet.value, payload: encode(Payload, cleared) });
};

const shownBody = (body: Body): Body => {
  switch (body.type) {
    case "attachReq":
    case "attachAns":
    case "appAttachReq":
    case "appAttachAns": {
      const { password } = body.value;
      return password.length === 0
        ? body
        : ({ type: body.type, value: { ...body.value, password: new Uint8Array(password.length) } } as Body);
    }
    case "configUpdateReq": {
      const { type, data } = body.value;
      if (type !== "config" || !(data instanceof Uint8Array)) return body;
      const text = new TextDecoder().decode(data);
      const shown = text.replace(SHARED_SECRET, (_, tag: string, secret: string) => tag + "x".repeat(secret.length));
      return shown === text ? body : { type: body.type, value: { ...body.value, data: utf8(shown) } };
    }
    default:
      return body;
  }
};
const SHARED_SECRET = /(<(?:[\w.-]+:)?shared-secret[^>]*>)([^<]+)/g;
