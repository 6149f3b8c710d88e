/** Extensions of the two hellos. RFC 5246 §7.4.1.4. An unknown one is preserved as bytes. */
import { empty, opaque, type TypeOf, tlv, u8, u16, vector } from "../wire/mod.ts";
import { extensionType } from "./registry.ts";

/** One extension: the user name of SRP in bytes, the three that a handshake of ours has, or one unknown. */
// biome-ignore format: columns
export const TlsExtension = tlv("Extension", "RFC 5246 §7.4.1.4", { padTo: 1 }, {
  srp:                  [extensionType.srp,                  opaque(u8, 255, 1)],  // srp_I, RFC 5054 §2.8.1
  encryptThenMac:       [extensionType.encryptThenMac,       empty],               // RFC 7366 §2
  extendedMasterSecret: [extensionType.extendedMasterSecret, empty],               // RFC 7627 §5.1
  renegotiationInfo:    [extensionType.renegotiationInfo,    opaque(u8)],          // RFC 5746 §3.2
});
export type TlsExtension = TypeOf<typeof TlsExtension>;

/** All of a hello, in their order; one that stands twice is for the machine to refuse. */
export const TlsExtensions = vector(TlsExtension, u16);

/** The code of any extension, known or unknown. */
export const extensionCodeOf = (extension: TlsExtension): number =>
  extension.type === "unknown" ? extension.code : extensionType[extension.type];
