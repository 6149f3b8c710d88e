/** The tables of the commands that look at what goes over the wire: dissector. */
import { table } from "../spec.ts";

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
