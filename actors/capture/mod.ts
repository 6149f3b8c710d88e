/** A program's own messages, for whoever captures them. */
export {
  CAPTURE_BYTES_MAX,
  CAPTURE_MESSAGES_MAX,
  CAPTURES_MAX,
  Captured,
  type CapturedMessage,
  type CapturedPlace,
  type CaptureLine,
  type Captures,
  type CaptureWish,
  openCaptures,
  withCaptures,
} from "./capture.ts";
