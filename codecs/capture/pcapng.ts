/**
 * A capture file of messages that nobody has seen on a wire: pcapng, in which each packet is an exported PDU, that is the bytes
 * of one message with the name of the dissector that reads them. draft-ietf-opsawg-pcapng; Wireshark's epan/exported_pdu.h,
 * link type 252.
 *
 *   section | interface, one a program | packet, packet, ... | statistics: how many were left out
 *                                        '-- tags: dissector, addresses, ports | the message
 */
import { concat, ipBytes } from "../shared/mod.ts";
import {
  constant,
  empty,
  encode,
  lengthOf,
  lengthOfWhole,
  list,
  rest,
  struct,
  text,
  tlv,
  u8,
  u16,
  u32,
  u64,
  type Wire,
} from "../wire/mod.ts";

const SPEC = "draft-ietf-opsawg-pcapng";
/** LINKTYPE_WIRESHARK_UPPER_PDU. */
export const EXPORTED_PDU_LINK = 252;
const NAME_BYTES_MAX = 255;

const Block = struct("Block", `${SPEC} §3.1`, { type: u32, length: lengthOfWhole(u32), body: rest });
/** The length once more, for readers that go backwards. */
const TRAILER_BYTES = 4;
const Trailer = struct("Trailer", `${SPEC} §3.1`, { length: u32 });

const blockType = { section: 0x0a0d0d0a, interface: 1, statistics: 5, packet: 6 } as const;

// biome-ignore format: columns
const Option = tlv("Option", `${SPEC} §3.5`, { padTo: 4 }, {
  end:          [0, empty],
  name:         [2, text(NAME_BYTES_MAX)], // if_name
  application:  [4, text(NAME_BYTES_MAX)], // shb_userappl
  resolution:   [9, u8],                   // if_tsresol: 10^-n s
});
const Statistic = tlv(
  "Statistic",
  `${SPEC} §4.6`,
  { padTo: 4 },
  {
    end: [0, empty],
    received: [4, u64], // isb_ifrecv
    dropped: [5, u64], // isb_ifdrop
  },
);

const Section = struct("Section", `${SPEC} §4.1`, {
  magic: constant(u32, 0x1a2b3c4d),
  major: constant(u16, 1),
  minor: constant(u16, 0),
  size: constant(u64, 0xffff_ffff_ffff_ffffn), // not known
  options: list(Option),
});
const Interface = struct("Interface", `${SPEC} §4.2`, {
  link: u16,
  reserved: constant(u16, 0),
  longest: constant(u32, 0),
  options: list(Option),
});
const Packet = struct("Packet", `${SPEC} §4.3`, {
  interface: u32,
  time: u64, // in the interface's resolution, since 1970
  kept: lengthOf("data", u32),
  size: u32,
  data: rest,
});
const Statistics = struct("Statistics", `${SPEC} §4.6`, { interface: u32, time: u64, statistics: list(Statistic) });

const MILLISECONDS = 3;

const blockOf = (type: number, body: Uint8Array): Uint8Array => {
  const padded = concat(body, new Uint8Array(-body.length & 3), new Uint8Array(TRAILER_BYTES));
  const block = encode(Block, { type, body: padded });
  block.set(encode(Trailer, { length: block.length }), block.length - TRAILER_BYTES);
  return block;
};

/** What a file begins with. `application`: the program that writes it. */
export const captureBegin = (application: string): Uint8Array =>
  blockOf(blockType.section, encode(Section, { options: [{ type: "application", value: application }, END] }));

/** An interface; packets name it by its place in the file, from 0. `link`: what its packets are, a LINKTYPE. */
export const captureInterface = (name: string, link: number = EXPORTED_PDU_LINK): Uint8Array =>
  blockOf(
    blockType.interface,
    encode(Interface, {
      link,
      options: [{ type: "name", value: name }, { type: "resolution", value: MILLISECONDS }, END],
    }),
  );

/** `at`: its interface; `atMs`: since 1970; `data`: an exported PDU, where the interface's link says nothing else. */
export const capturePacket = (at: number, atMs: number, data: Uint8Array): Uint8Array =>
  blockOf(blockType.packet, encode(Packet, { interface: at, time: BigInt(Math.round(atMs)), size: data.length, data }));

/** What became of an interface's packets, in whole numbers. */
export const captureEnd = (at: number, atMs: number, received: number, dropped: number): Uint8Array =>
  blockOf(
    blockType.statistics,
    encode(Statistics, {
      interface: at,
      time: BigInt(Math.round(atMs)),
      statistics: [{ type: "received", value: BigInt(received) }, { type: "dropped", value: BigInt(dropped) }, END],
    }),
  );
const END = { type: "end", value: {} } as const;

// biome-ignore format: columns
const Tag = tlv("Tag", "epan/exported_pdu.h", {}, {
  end:         [0, empty],
  dissector:   [12, text(NAME_BYTES_MAX)],
  source4:     [20, rest],
  destination4: [21, rest],
  source6:     [22, rest],
  destination6: [23, rest],
  portType:    [24, u32],
  source:      [25, u32],
  destination: [26, u32],
});
type TagOf<W> = W extends Wire<infer A> ? A : never;
type Tag = TagOf<typeof Tag>;
const Tags = list(Tag);

const portType = { tcp: 2, udp: 3 } as const;

/** One end of a message's way. */
export interface ExportedAddress {
  /** An IP address; anything else is shown as 0.0.0.0. */
  readonly host: string;
  readonly port: number;
}
/** A message, by which dissector it is read, and between whom it went. */
export interface Exported {
  /** `vipr.vap`, `sip`. */
  readonly dissector: string;
  readonly from: ExportedAddress;
  readonly to: ExportedAddress;
  readonly transport: "tcp" | "udp";
  readonly message: Uint8Array;
}

/** A packet's data. */
export const exportedPdu = ({ dissector, from, to, transport, message }: Exported): Uint8Array => {
  const [source, destination] = [ipBytes(from.host) ?? NOWHERE, ipBytes(to.host) ?? NOWHERE];
  const tags: ReadonlyArray<Tag> = [
    { type: "dissector", value: dissector.padEnd(Math.ceil(dissector.length / 4) * 4, "\0") }, // the length counts its padding
    { type: source.length === 4 ? "source4" : "source6", value: source },
    { type: destination.length === 4 ? "destination4" : "destination6", value: destination },
    { type: "portType", value: portType[transport] },
    { type: "source", value: from.port },
    { type: "destination", value: to.port },
    END,
  ];
  return concat(encode(Tags, tags), message);
};
const NOWHERE = new Uint8Array(4);
