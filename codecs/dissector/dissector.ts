/**
 * A dissector for Wireshark, made of the descriptions by which the program itself reads and writes: VAP, the exchange of PVP,
 * the ticket in SIP's header field.
 *
 *   VapMessage, PvpFrame, Ticket --> luaOf --> tables, fields --+
 *   the reader, the protocol: Lua as it stands -----------------+--> one file, vipr.lua
 *
 * Names of filters begin with `vipr.vap`, `vipr.pvp` and `vipr.ticket`. DECISIONS.md D-330.
 */
import { TICKET_HEADER } from "../sip/mod.ts";
import { TICKET_CHARS_MAX, Ticket } from "../ticket/mod.ts";
import { PvpFrame } from "../validation/mod.ts";
import { VapMessage } from "../vap/mod.ts";
import { luaOf } from "../wire/lua.ts";
import { LUA_READER } from "../wire/lua-reader.ts";
import type { Wire } from "../wire/mod.ts";
import { LUA_PROTOCOL } from "./protocol-lua.ts";

/** One protocol as Wireshark is told of it. */
export interface Dissected {
  /** Of filters and of Decode As: `vipr.vap`. */
  readonly name: string;
  readonly title: string;
  /** In the column of protocols. */
  readonly short: string;
  readonly wire: Wire<unknown>;
  /** What the info column shows: the values at these paths. */
  readonly info: ReadonlyArray<string>;
  /** Fields of bytes that another dissector reads, by path. */
  readonly inner?: Readonly<Record<string, string>>;
  /** What carries it, and its ports there. */
  readonly over: ReadonlyArray<{ readonly below: "tcp" | "tls"; readonly port: number }>;
}

/** The ports where they listen unless told otherwise. */
export interface DissectorPorts {
  readonly vap: number;
  readonly pvp: number;
}

/** What `vipr.lua` reads. The exchange of PVP is always under TLS; VAP is where it does not leave the machine. */
export const dissectedOf = ({ vap, pvp }: DissectorPorts) =>
  ({
    vap: {
      name: "vipr.vap",
      title: "ViPR Access Protocol",
      short: "VAP",
      wire: VapMessage,
      info: ["type.method", "type.class", "attributes.errorCode.reason"],
      inner: { "attributes.serviceContent": "xml" },
      over: [
        { below: "tcp", port: vap },
        { below: "tls", port: vap },
      ],
    },
    pvp: {
      name: "vipr.pvp",
      title: "PSTN Validation Protocol, exchange",
      short: "PVP",
      wire: PvpFrame,
      info: ["document"],
      inner: { document: "xml" },
      over: [{ below: "tls", port: pvp }],
    },
    ticket: {
      name: "vipr.ticket",
      title: "ViPR ticket",
      short: "ViPR",
      wire: Ticket,
      info: ["grantingDomain", "grantedTo"],
      over: [],
    },
  }) satisfies Readonly<Record<string, Dissected>>;

/** The whole of `vipr.lua`; `version` is that of the program that writes it. */
export const dissectorOf = (version: string, ports: DissectorPorts): string => {
  const { vap, pvp, ticket } = dissectedOf(ports);
  return [
    `-- ViPR for Wireshark 4: VAP, the exchange of PVP, tickets. Written by vipr ${version}: vipr dissector > vipr.lua`,
    "-- Into the folder of personal Lua plugins, or tshark -X lua_script:vipr.lua",
    LUA_READER,
    LUA_PROTOCOL,
    protocolText(vap),
    protocolText(pvp),
    `local ticket = ${protocolText(ticket)}`,
    `in_sip(ticket, ${quoted(TICKET_HEADER)}, ${TICKET_CHARS_MAX})`,
    "",
  ].join("\n");
};

/** A dissector of one protocol alone, whatever it is. */
export const dissectorOfOne = (dissected: Dissected): string =>
  [LUA_READER, LUA_PROTOCOL, protocolText(dissected), ""].join("\n");

const protocolText = ({ name, title, short, wire, info, inner, over }: Dissected): string => {
  const { node, fields, fixed, fixedBits } = luaOf(wire, { prefix: name, ...(inner === undefined ? {} : { inner }) });
  const label = "name" in wire.node ? wire.node.name : wire.node.kind;
  return [
    "protocol({",
    `  name = ${quoted(name)}, title = ${quoted(title)}, short = ${quoted(short)}, label = ${quoted(label)},`,
    `  info = { ${info.map(quoted).join(", ")} },`,
    `  ports = { ${over.map(portText).join(", ")} },`,
    `  fixed = ${fixed}, fixed_bits = ${fixedBits},`,
    "  fields = {",
    ...fields.map((field) => `    ${field},`),
    "  },",
    `  root = ${node},`,
    "})",
  ].join("\n");
};

const portText = ({ below, port }: Dissected["over"][number]): string => {
  const upper = below.toUpperCase();
  const text = quoted(`Ports of ${upper} where it is read`);
  return `{ below = "${below}", table = "${below}.port", pref = "${below}_ports", title = "${upper} ports", ports = "${port}", text = ${text} }`;
};

/** Names of ours only: of letters, digits and signs that Lua and JSON quote alike. */
const quoted = (text: string): string => JSON.stringify(text);
