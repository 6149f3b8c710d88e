/** What a program's own messages are captured as: without their secrets, in a pcapng of exported PDUs. */
export {
  captureBegin,
  captureEnd,
  captureInterface,
  capturePacket,
  EXPORTED_PDU_LINK,
  type Exported,
  type ExportedAddress,
  exportedPdu,
} from "./pcapng.ts";
export { type CapturedProtocol, type Clearance, shownMessage } from "./shown.ts";
