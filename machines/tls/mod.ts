/** TLS 1.2 with SRP: the two sides of a session, and the arithmetic and protection they rest on. */

export { type TlsClientInput, tlsClient } from "./client.ts";
export type { SrpCredential } from "./credential.ts";
export { tlsServer } from "./server.ts";
export type { TlsServerAction, TlsServerEvent, TlsServerInput } from "./server-session.ts";
export {
  HANDSHAKE_TIMEOUT_MS,
  type PowerId,
  RANDOM_BYTES,
  type TlsAction,
  type TlsEvent,
  type TlsFacts,
  type TlsOutcome,
  type TlsRandomness,
} from "./session.ts";
export { saltFrom } from "./srp.ts";
