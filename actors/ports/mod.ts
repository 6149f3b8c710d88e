/** What actors ask of the world; runtime fills these in. */

export { Arithmetic } from "./arithmetic.ts";
export { Authority, type AuthorityShape, type IssueRequest } from "./authority.ts";
export { ByteStream, type ByteStreamShape, DIRECT_BYTES_MAX, type DirectStream, type Peer } from "./byte-stream.ts";
export { type ClusterShape, type Member, PARTITIONS, partitionOf, type SharedRow, type Work } from "./cluster.ts";
export { DATAGRAM_BYTES_MAX, type DatagramHandlers, type DatagramSocket, Datagrams } from "./datagrams.ts";
export { CONNECT_TIMEOUT_MS, Dialer, type DialTarget, type ServerTrust } from "./dialer.ts";
export { directOf } from "./direct.ts";
export { Dns } from "./dns.ts";
export { Entropy } from "./entropy.ts";
export {
  type ClosedReason,
  DialFailed,
  type DialReason,
  ListenFailed,
  type ListenReason,
  StreamClosed,
} from "./errors.ts";
export {
  HTTPS_REQUESTS_MAX,
  HTTPS_TIMEOUT_MS,
  Https,
  type HttpsAnswer,
  type HttpsCall,
  HttpsFailed,
  type HttpsRequest,
  type HttpsServeOn,
} from "./https.ts";
export {
  CertificateError,
  type CertificateFacts,
  type Credentials,
  type KeyAlgorithm,
  Keys,
  type PrivateKey,
  type VerifiedCertificate,
} from "./keys.ts";
export { Listener, type Listening, type ListenOn, STREAMS_MAX, type StreamRefusal } from "./listener.ts";
export {
  Pstn,
  type PstnCall,
  type PstnEvent,
  type PstnIncoming,
  type PstnLine,
  type PstnShape,
  type PstnTrunk,
} from "./pstn.ts";
export { Macs, Seals } from "./seals.ts";
export { SrtpCiphers } from "./srtp.ts";
export {
  type Change,
  type ReadableStore,
  type Row,
  type ScanOf,
  STORE_CHANGES_MAX,
  STORE_KEY_BYTES_MAX,
  STORE_ROWS_MAX,
  STORE_VALUE_BYTES_MAX,
  STORE_WAITING_MAX,
  Store,
  StoreFailed,
  type StoreFault,
  type StoreShape,
  storeRefusal,
} from "./store.ts";
