/** The tables of the commands that look at what goes over the wire: capture, dissector. */
import { CONFIG_OPTIONS, JSON_OPTION } from "../shared.ts";
import { table } from "../spec.ts";

export const captureTable = table({
  name: "capture",
  summary: "the messages of running programs, below TLS and without secrets, for Wireshark: a pcapng",
  usage: ["[--write FILE] [--config FILE | --data DIR] [--seconds N] [--only PROTOCOLS] [--json]"],
  about: `It writes VAP, the exchange of PVP, SIP and RELOAD as the programs of the configuration send and receive them from now on,
each program as an interface of its own, until Ctrl-C. Passwords, keys of SRTP, seals of VAP and of tickets, credentials of
SIP and bodies that are no SDP do not leave the program; telephone numbers are masked. What is written stays a message of
its kind: Wireshark reads it, VAP, PVP and tickets with vipr dissector. A busy program sends on what it can and counts the
rest as left out.`,
  options: {
    ...CONFIG_OPTIONS,
    data: {
      type: "string",
      value: "DIR",
      text: "the directory of one program, instead of those of the configuration",
    },
    write: { type: "string", short: "w", value: "FILE", text: "where to; - or nothing is standard output" },
    seconds: { type: "string", value: "N", text: "ends after so many" },
    only: { type: "string", value: "PROTOCOLS", text: "of vap, pvp, sip and reload those, with commas between them" },
    "whole-numbers": { type: "boolean", default: false, text: "telephone numbers as they are" },
    json: { ...JSON_OPTION.json, text: 'the summary as {"file", "messages", "byProtocol", "leftOut"}' },
  },
  examples: [
    { text: "a minute of all programs of vipr.toml here", line: "vipr capture --write calls.pcapng --seconds 60" },
    {
      text: "a call agent's SIP, as it comes",
      line: "vipr capture --data /var/lib/vipr/agent --only sip > sip.pcapng",
    },
  ],
  codes: {
    done: "ended by Ctrl-C or SIGTERM, or after --seconds",
    usage: true,
    unreachable: "no program with an admin port runs, or none takes another capture",
    notWritable: true,
    diskFull: true,
  },
});

export const dissectorTable = table({
  name: "dissector",
  summary: "what makes Wireshark read VAP, the exchange of PVP and tickets: a plugin in Lua",
  usage: ["> vipr.lua"],
  about: `Prints a dissector that is made of the descriptions by which this program reads and writes its messages: each field by
its name, and what does not decode with the place and the reason of our own decoder. It goes into the folder of personal
Lua plugins (Wireshark: Help, About, Folders), or tshark takes it with -X lua_script:vipr.lua.

VAP is recognised by its beginning, over TCP and, with the keys of a connection, under TLS; the exchange of PVP by its
port. The ports are preferences: vipr.vap.tcp_ports, vipr.vap.tls_ports, vipr.pvp.tls_ports. Decode As knows both by
these names. Filters begin with vipr.vap, vipr.pvp and vipr.ticket; tickets are found in SIP's X-Cisco-ViPR-Ticket.`,
  options: {},
  examples: [
    { text: "for tshark", line: "vipr dissector > vipr.lua" },
    { text: "for Wireshark on Linux", line: "vipr dissector > ~/.local/lib/wireshark/plugins/vipr.lua" },
  ],
  codes: { done: true, usage: true },
});
