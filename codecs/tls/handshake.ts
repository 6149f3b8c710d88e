/**
 * Handshake messages of an SRP handshake: RFC 5246 §7.4, RFC 5054 §2.8.
 * Key exchanges are read as SRP's, since we offer and accept no other; other messages are preserved as bytes.
 */
import {
  bytes,
  empty,
  lengthOf,
  opaque,
  openEnumeration,
  optional,
  rest,
  select,
  struct,
  type TypeOf,
  u8,
  u16,
  u24,
  vector,
} from "../wire/mod.ts";
import { TlsExtensions } from "./extension.ts";
import { handshakeType } from "./registry.ts";

/** What a client offers; `version` is the greatest that it speaks, `extensions` undefined where it has none. */
// biome-ignore format: columns
export const TlsClientHello = struct("ClientHello", "RFC 5246 §7.4.1.2", {
  version:            u16,
  random:             bytes(32),
  sessionId:          opaque(u8, 32),
  cipherSuites:       vector(u16, u16, 0xfffe, 2),
  compressionMethods: vector(u8, u8, 0xff, 1),
  extensions:         optional(TlsExtensions),
});
export type TlsClientHello = TypeOf<typeof TlsClientHello>;

/** What a server chose of a client's offer; `extensions` undefined where it has none. */
// biome-ignore format: columns
export const TlsServerHello = struct("ServerHello", "RFC 5246 §7.4.1.3", {
  version:           u16,
  random:            bytes(32),
  sessionId:         opaque(u8, 32),
  cipherSuite:       u16,
  compressionMethod: u8,
  extensions:        optional(TlsExtensions),
});
export type TlsServerHello = TypeOf<typeof TlsServerHello>;

/** The ServerKeyExchange: group, salt and the server's public value, integers as big-endian bytes, none empty. */
// biome-ignore format: columns
export const TlsServerSrpParams = struct("ServerSRPParams", "RFC 5054 §2.8.2", {
  prime:        opaque(u16, 0xffff, 1), // srp_N
  generator:    opaque(u16, 0xffff, 1), // srp_g
  salt:         opaque(u8, 0xff, 1),    // srp_s
  serverPublic: opaque(u16, 0xffff, 1), // srp_B
});
export type TlsServerSrpParams = TypeOf<typeof TlsServerSrpParams>;

/** The ClientKeyExchange: the client's public value, big-endian, not empty. */
// biome-ignore format: columns
export const TlsClientSrpPublic = struct("ClientSRPPublic", "RFC 5054 §2.8.3", {
  clientPublic: opaque(u16, 0xffff, 1), // srp_A
});

/** The 12 bytes that prove the handshake was the same for both. */
export const TlsFinished = struct("Finished", "RFC 5246 §7.4.9", {
  verifyData: bytes(12),
});

/** Bytes of the header of every handshake message: type and length. */
export const HANDSHAKE_HEADER_BYTES = 4;

/** The first 4 bytes of a message, to know its length before its body has come. */
// biome-ignore format: columns
export const TlsHandshakeHeader = struct("Handshake", "RFC 5246 §7.4", {
  type:   openEnumeration(u8, handshakeType),
  length: u24,
});

/** A whole message; one of a type without a name keeps its number and its bytes. */
// biome-ignore format: columns
export const TlsHandshake = struct("Handshake", "RFC 5246 §7.4", {
  type:   openEnumeration(u8, handshakeType),
  length: lengthOf("body", u24),
  body:   select("type", {
    helloRequest:      empty,
    clientHello:       TlsClientHello,
    serverHello:       TlsServerHello,
    serverKeyExchange: TlsServerSrpParams,
    serverHelloDone:   empty,
    clientKeyExchange: TlsClientSrpPublic,
    finished:          TlsFinished,
  }, { otherwise: rest }),
});
export type TlsHandshake = TypeOf<typeof TlsHandshake>;
