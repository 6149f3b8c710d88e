/** Byte streams protected by TLS-SRP. */
export { EPHEMERALS_MAX, type Ephemeral, type Ephemerals, makeEphemerals } from "./ephemerals.ts";
export { HandshakeFailed, type HandshakeFailure } from "./errors.ts";
export {
  type TlsSrpClientOptions,
  type TlsSrpServerOptions,
  type TlsStream,
  tlsSrpClient,
  tlsSrpServer,
} from "./stream.ts";
