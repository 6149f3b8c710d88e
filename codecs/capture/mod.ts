/** What a program's own messages are captured as: a pcapng of exported PDUs. */
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
