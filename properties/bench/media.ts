/**
 * Media: our relay beside rtpengine in user space, by their own processor time under the same calls; and SRTP alone beside
 * werift-rtp's.
 *
 *   both ends (this process) --> ours or rtpengine --> both ends        30 calls, both ways, RTP <-> SRTP
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { Effect, Scope } from "effect";
import { openRtpengineRelay } from "../../actors/media/mod.ts";
import { keyBytesOf, SUITES } from "../../codecs/sip/mod.ts";
import { SrtpReceiver, SrtpSender } from "../../machines/srtp/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { platformPrimitives } from "../../runtime/srtp.ts";
import { type Contest, PeerMissing, rateOf } from "./kit.ts";
import { type BenchCall, OUTSIDE_KEY, setUp } from "./media/set-up.ts";
import { openTraffic, type Traffic } from "./media/traffic.ts";
import { cpuOf } from "./process-time.ts";

const HOST = "127.0.0.1";
const CALLS = 30;
const ROUND_MS = 3_000;

interface Relay {
  readonly pid: number;
  readonly traffic: Traffic;
}
const children: Array<ChildProcess> = [];
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});
const start = (command: string, words: ReadonlyArray<string>): ChildProcess => {
  const child = spawn(command, words, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
};
let nextPort = 60_000 + 2 * (process.pid % 500);
const portsOf = () => {
  const inside = nextPort;
  nextPort += 4 * CALLS;
  return { inside, outside: inside + 2 * CALLS };
};

const RELAY = new URL("./media/relay.ts", import.meta.url).pathname;
const argumentsOf = (...words: ReadonlyArray<string>) => ("Deno" in globalThis ? ["run", "-A", ...words] : words);
const startOurs = async (): Promise<Relay> => {
  const { inside, outside } = portsOf();
  const child = start(process.execPath, [...argumentsOf(RELAY), ...[CALLS, inside, outside].map(String)]);
  const calls = await new Promise<ReadonlyArray<BenchCall>>((resolve, reject) => {
    let text = "";
    child.stdout!.on("data", (bytes) => {
      text += bytes;
      if (text.includes("\n")) resolve(JSON.parse(text));
    });
    child.on("close", () => reject(new Error("the relay has ended")));
  });
  return { pid: child.pid!, traffic: await openTraffic(calls, inside, outside) };
};

const NG_PORT = 22_300 + (process.pid % 500);
const startRtpengine = async (): Promise<Relay> => {
  if (!existsSync("/proc/self/stat") || spawnSync("sh", ["-c", "command -v rtpengine"]).status !== 0)
    throw new PeerMissing("not installed");
  const { inside, outside } = portsOf();
  const child = start("rtpengine", [
    "--config-file=none",
    "--table=-1",
    "--foreground",
    "--log-level=2",
    `--interface=inside/${HOST}`,
    `--interface=outside/${HOST}`,
    `--listen-ng=${HOST}:${NG_PORT}`,
    "--port-min=30000",
    "--port-max=39999",
  ]);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const calls = await Effect.runPromise(
    Effect.gen(function* () {
      const relay = yield* openRtpengineRelay({ servers: [{ host: HOST, port: NG_PORT }], privateOutside: true });
      return yield* setUp(relay, CALLS, inside, outside);
    }).pipe(Scope.provide(Scope.makeUnsafe()), Effect.provide(nodeLayer())),
  );
  return { pid: child.pid!, traffic: await openTraffic(calls, inside, outside) };
};

/** Packets relayed in a second of processor time; none may be lost. */
const measure = async ({ pid, traffic }: Relay): Promise<number> => {
  const before = cpuOf([pid]);
  const { sent, came } = await traffic.play(ROUND_MS);
  const seconds = cpuOf([pid]) - before;
  if (process.env.VIPR_BENCH_TELL !== undefined) console.error({ sent, came, seconds });
  if (came < sent) console.error(`media: ${sent - came} of ${sent} packets were lost`);
  return came / seconds;
};

let ours: Promise<Relay> | undefined;
let rtpengine: Promise<Relay> | undefined;

const PACKET = Uint8Array.from({ length: 172 }, (_, i) => (i === 0 ? 0x80 : i === 1 ? 8 : i & 255));
const numbered = (sequence: number): Uint8Array => {
  const packet = PACKET.slice();
  packet[2] = sequence >> 8;
  packet[3] = sequence;
  return packet;
};
/** Secured and opened again: once each. */
const oursAlone = () => {
  const keySalt = keyBytesOf(OUTSIDE_KEY)!;
  const sender = new SrtpSender(platformPrimitives, SUITES.AES_CM_128_HMAC_SHA1_80, keySalt);
  const receiver = new SrtpReceiver(platformPrimitives, SUITES.AES_CM_128_HMAC_SHA1_80, [{ keySalt }]);
  let sequence = 0;
  return rateOf(() => {
    sequence = (sequence + 1) & 0xffff;
    if (typeof receiver.rtp(sender.rtp(numbered(sequence)) as Uint8Array) === "string") throw new Error("refused");
  });
};
const weriftAlone = async () => {
  const { SrtpSession, RtpHeader } = await import("werift-rtp");
  const keySalt = Buffer.from(keyBytesOf(OUTSIDE_KEY)!);
  const [key, salt] = [keySalt.subarray(0, 16), keySalt.subarray(16)];
  const keys = { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt };
  const session = new SrtpSession({ keys, profile: 1 });
  let sequence = 0;
  return rateOf(() => {
    sequence = (sequence + 1) & 0xffff;
    const packet = Buffer.from(numbered(sequence));
    const sent = session.encrypt(packet.subarray(12), RtpHeader.deSerialize(packet));
    if (session.decrypt(sent).length !== PACKET.length) throw new Error("another size");
  });
};

export const contests: ReadonlyArray<Contest> = [
  {
    name: "media: RTP to SRTP and back, G.711, 30 calls",
    unit: "packets/cpu-s",
    peerName: "rtpengine in user space",
    ours: async () => {
      ours ??= startOurs();
      return measure(await ours);
    },
    peer: async () => {
      rtpengine ??= startRtpengine();
      return measure(await rtpengine);
    },
    rounds: 3,
    aim: 0.25,
  },
  {
    name: "media: a packet of 172 bytes secured and opened",
    unit: "1/s",
    peerName: "werift-rtp",
    ours: oursAlone,
    peer: weriftAlone,
    aim: 3,
  },
];
