/** An rtpengine of ours, on a port of its own: what it is asked is kept, and what it says is the test's to choose. */
import { ok } from "node:assert";
import { Effect } from "effect";
import { Datagrams } from "../../actors/ports/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { parseSdp, printSdp, type Sdp } from "../../codecs/sip/mod.ts";
import { cryptoLine, HOST, KEY_A } from "./ends.ts";

export type Asked = Readonly<Record<string, any>>;
/** What it says to a command; a string is sent as it is, undefined is silence. */
export type Says = (asked: Asked) => object | string | undefined;

/** Another's rtpengine: it keeps what it was asked, with the cookie. */
export const rtpengine = Effect.fn(function* (port: number, says: Says) {
  const asked: Array<Asked> = [];
  const socket: { send: (bytes: Uint8Array, host: string, port: number) => void } = yield* (yield* Datagrams).open(
    { host: HOST, port },
    {
      received: (bytes, host, from) => {
        const text = new TextDecoder().decode(bytes);
        const at = text.indexOf(" ");
        const command = { cookie: text.slice(0, at), ...JSON.parse(text.slice(at + 1)) };
        asked.push(command);
        const said = says(command);
        if (said === undefined) return;
        const body = typeof said === "string" ? said : JSON.stringify(said);
        socket.send(utf8(`${command.cookie} ${body}`), host, from);
      },
      failed: () => {},
    },
  );
  return asked;
});

export const PORT = 22_222;
export const RELAYED = "198.51.100.7";
export const read = (text: string): Sdp => {
  const sdp = parseSdp(text);
  ok(sdp.ok);
  return sdp.value;
};
/** As rtpengine would: its address and ports; a profile and keys where it was asked for them, a clear one where not. */
export const relayedBy = (asked: Asked, profile: string, ...lines: ReadonlyArray<string>): object => {
  const given = read(asked.sdp);
  const media = given.media.map((one, i) => {
    if (one.port === 0) return one;
    const kept = one.lines.filter(({ letter, value }) => letter !== "c" && !value.startsWith("crypto"));
    const added = lines.map((line) => ({ letter: line[0]!, value: line.slice(2) }));
    return { ...one, port: 40_000 + 10 * i, protocol: profile, lines: [...kept, ...added] };
  });
  const connection = { letter: "c", value: `IN IP4 ${RELAYED}` };
  const others = given.lines.filter(({ letter }) => letter !== "c");
  const sdp = { ...given, origin: `- 1 1 IN IP4 ${RELAYED}`, lines: [connection, ...others], media };
  return { result: "ok", sdp: printSdp(sdp) };
};
export const honest: Says = (asked) => {
  if (asked.command === "offer")
    return asked["transport-protocol"] === "RTP/SAVP"
      ? relayedBy(asked, "RTP/SAVP", cryptoLine(1, KEY_A))
      : relayedBy(asked, "RTP/AVP");
  if (asked.command === "answer")
    return asked.sdp.includes("RTP/SAVP")
      ? relayedBy(asked, "RTP/AVP")
      : relayedBy(asked, "RTP/SAVP", cryptoLine(7, KEY_A));
  return { result: "ok" };
};
