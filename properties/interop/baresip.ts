/** Telephones of baresip that play a wave and record what they hear, and the comparison of the two. */
import { ok } from "node:assert";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, type Scope } from "effect";
import { Datagrams } from "../../actors/ports/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import type { Ports } from "../../runtime/node.ts";
import { heard, readWave, writeWave } from "./media-waves.ts";
import { freePort, HOST, peer, until } from "./peers.ts";

export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-media-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

export interface Phone {
  readonly said: { readonly text: string };
  /** As a key that is pressed, or a command behind a slash. */
  readonly press: (keys: string) => Effect.Effect<void, unknown, Ports | Scope.Scope>;
  /** What it has heard, however many calls there were. */
  readonly recorded: () => Int16Array;
}

/** A telephone that plays a wave and records what it hears; ready to be called. */
export const phone = Effect.fn("interop.phone")(function* (
  at: string,
  port: number,
  account: string,
  wave: Int16Array,
  more: ReadonlyArray<string> = [],
) {
  mkdirSync(at);
  const keys = yield* freePort;
  writeWave(join(at, "played.wav"), wave);
  writeFileSync(
    join(at, "config"),
    `sip_listen ${HOST}:${port}
audio_source aufile,${join(at, "played.wav")}
audio_player aubridge,b
audio_alert aubridge,c
cons_listen ${HOST}:${keys}
snd_path ${at}
net_interface ${HOST}
jitter_buffer_delay 0-0
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module srtp.so
module sndfile.so
module cons.so
module_app account.so
module_app menu.so
`,
  );
  writeFileSync(join(at, "accounts"), `${account};regint=0;audio_codecs=PCMU;ptime=20\n`);
  writeFileSync(join(at, "contacts"), "");
  const { said } = yield* peer("baresip", ["-v", "-f", at, ...more]);
  yield* until("baresip is ready", () => /baresip is ready/.test(said.text), said);
  const press = (text: string) =>
    Effect.gen(function* () {
      const socket = yield* (yield* Datagrams).open({ host: HOST, port: 0 }, { received: () => {}, failed: () => {} });
      socket.send(utf8(text), HOST, keys);
    });
  const recorded = () => {
    const files = readdirSync(at).filter((name) => name.endsWith("-dec.wav"));
    return files.length === 0 ? new Int16Array() : readWave(join(at, files.sort().at(-1)!));
  };
  return { said, press, recorded } satisfies Phone as Phone;
});

/** Of what is heard in three seconds, in packets of 20 ms. */
export const PIECES_MIN = 100;
/** Two clocks are not one: a telephone now and then drops or repeats a packet of its own. */
const TRUE_SHARE_MIN = 0.95;

export const sounds = (what: string, played: Int16Array, recorded: Int16Array): void => {
  const { pieces, true: same } = heard(played, recorded);
  ok(pieces >= PIECES_MIN, `${what}: ${pieces} packets of sound`);
  ok(same / pieces >= TRUE_SHARE_MIN, `${what}: ${same} of ${pieces} packets are as they were played`);
};
