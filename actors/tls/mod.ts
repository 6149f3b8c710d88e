/** Byte streams protected by TLS-SRP. */
export {
  HandshakeFailed,
  type TlsSrpClientOptions,
  type TlsSrpServerOptions,
  type TlsStream,
  tlsSrpClient,
  tlsSrpServer,
} from "./stream.ts";
