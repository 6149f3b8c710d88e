/** A dissector for Wireshark, of the descriptions of messages. */
export { type Dissected, type DissectorPorts, dissectedOf, dissectorOf, dissectorOfOne } from "./dissector.ts";
