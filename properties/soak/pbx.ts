/**
 * An exchange of the soak run: one socket, which calls and is called.
 *
 *   INVITE --> 180, 200 --> ACK, some seconds, BYE --> 200          whatever it is asked: 180, 200; to a BYE 200
 */
import dgram from "node:dgram";

export interface Pbx {
  /** Ends when the call is over; fails where it was refused, or nothing came for WAIT_MS_MAX. Gives the ms from INVITE to 180. */
  readonly call: (from: string, to: string, holdMs: number) => Promise<number>;
  readonly close: () => void;
}
export interface PbxOptions {
  readonly host: string;
  readonly port: number;
  readonly agent: { readonly host: string; readonly port: number };
}

const WAIT_MS_MAX = 20_000;
/** RFC 3261 §17.1.1.2: T1, doubled; until a response comes. */
const T1_MS = 500;

interface Leg {
  readonly ringing: (answer: string) => void;
  readonly answered: (answer: string) => void;
  readonly failed: (why: string) => void;
  readonly over: () => void;
}

const lines = (text: string, name: string): ReadonlyArray<string> =>
  text.match(new RegExp(`^${name}: .*$`, "gim"))?.map((line) => line.trim()) ?? [];
const idOf = (text: string): string => /^Call-ID: *(\S+)/im.exec(text)?.[1] ?? "";

export const openPbx = async ({ host, port, agent }: PbxOptions): Promise<Pbx> => {
  const socket = dgram.createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(port, host, resolve));
  const sdp = `v=0\r\no=- 1 1 IN IP4 ${host}\r\ns=-\r\nc=IN IP4 ${host}\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n`;
  const body = `Content-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`;
  const empty = "Content-Length: 0\r\n\r\n";
  const contact = `Contact: <sip:pbx@${host}:${port}>\r\n`;
  const legs = new Map<string, Leg>();
  let calls = 0;
  const send = (text: string, to: { readonly host: string; readonly port: number } = agent) =>
    socket.send(text, to.port, to.host);

  /** Both tags of the called side are its Call-ID: what is sent again is answered the same. */
  const serve = (text: string, from: { readonly host: string; readonly port: number }): void => {
    const [method] = text.split(" ", 1);
    if (method === "ACK") return;
    const [to = ""] = lines(text, "To");
    const tagged = /;tag=/.test(to) ? to : `${to};tag=b${idOf(text)}`;
    const kept = ["Via", "Record-Route", "From", "Call-ID", "CSeq"].flatMap((name) => lines(text, name));
    const head = (status: string) => `SIP/2.0 ${status}\r\n${[...kept, tagged].join("\r\n")}\r\n`;
    if (method === "INVITE") send(`${head("180 Ringing")}${contact}${empty}`, from);
    send(`${head("200 OK")}${method === "INVITE" ? `${contact}${body}` : empty}`, from);
  };
  socket.on("message", (bytes, from) => {
    const text = bytes.toString("latin1");
    if (!text.startsWith("SIP/2.0 ")) return serve(text, { host: from.address, port: from.port });
    const leg = legs.get(idOf(text));
    const status = Number(text.slice(8, 11));
    if (leg === undefined) return;
    if (/^CSeq: *2 BYE/im.test(text)) return leg.over();
    if (status >= 180 && status < 200) leg.ringing(text);
    else if (status >= 200 && status < 300) leg.answered(text);
    else if (status >= 300) leg.failed(`${status}`);
  });

  const call: Pbx["call"] = (from, to, holdMs) => {
    const id = `soak-${port}-${++calls}`;
    const head = (branch: string, toLine: string, cseq: string) =>
      `Via: SIP/2.0/UDP ${host}:${port};branch=z9hG4bK${branch}${id}\r\nFrom: <sip:${from}@${host}>;tag=a${id}\r\n` +
      `${toLine}\r\nCall-ID: ${id}\r\nCSeq: ${cseq}\r\nMax-Forwards: 70\r\n`;
    const uri = `sip:${to}@${agent.host}:${agent.port}`;
    const invite = `INVITE ${uri} SIP/2.0\r\n${head("i", `To: <${uri}>`, "1 INVITE")}${contact}${body}`;
    const within = (method: string, cseq: number, answer: string): string => {
      const [target = uri] = /(?<=^Contact: *<)[^>]*/im.exec(answer) ?? [];
      const routes = lines(answer, "Record-Route").toReversed();
      const routed = routes.map((line) => `${line.replace(/^Record-Route/i, "Route")}\r\n`).join("");
      const [toLine = ""] = lines(answer, "To");
      return `${method} ${target} SIP/2.0\r\n${head(method, toLine, `${cseq} ${method}`)}${routed}${empty}`;
    };
    const sentMs = performance.now();
    return new Promise<number>((resolve, reject) => {
      let rangMs: number | undefined;
      let answer: string | undefined;
      const timers: Array<ReturnType<typeof setTimeout>> = [];
      const after = (ms: number, work: () => void) => void timers.push(setTimeout(work, ms));
      const end = (settle: () => void) => {
        for (const timer of timers) clearTimeout(timer);
        legs.delete(id);
        settle();
      };
      const failed = (why: string) => end(() => reject(new Error(why)));
      const again = (text: string, isOver: () => boolean, ms: number) =>
        after(ms, () => {
          if (isOver()) return;
          send(text);
          again(text, isOver, 2 * ms);
        });
      legs.set(id, {
        ringing: () => {
          rangMs ??= performance.now() - sentMs;
        },
        answered: (text) => {
          send(within("ACK", 1, text));
          if (answer !== undefined) return;
          answer = text;
          rangMs ??= performance.now() - sentMs;
          after(holdMs, () => {
            const bye = within("BYE", 2, text);
            send(bye);
            again(bye, () => !legs.has(id), T1_MS);
          });
        },
        failed,
        over: () => end(() => resolve(rangMs ?? 0)),
      });
      send(invite);
      again(invite, () => rangMs !== undefined || answer !== undefined, T1_MS);
      after(WAIT_MS_MAX + holdMs, () => failed(answer === undefined ? "no answer" : "no answer to BYE"));
    });
  };
  return { call, close: () => socket.close() };
};
