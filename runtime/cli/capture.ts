/**
 * `vipr capture`: a company's programs' own messages, below TLS and without their secrets, as a pcapng for Wireshark.
 *
 *   admin port of each program --lines of JSON--> one interface each --> file, or standard output
 *
 * It ends by Ctrl-C, after --seconds, or when the programs have ended; the file is whole then, with what was left out.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import process from "node:process";
import { Deferred, Effect } from "effect";
import { CAPTURE_PATH, CAPTURE_PROTOCOLS } from "../../actors/admin/mod.ts";
import type { CaptureLine } from "../../actors/capture/mod.ts";
import {
  type CapturedProtocol,
  captureBegin,
  captureEnd,
  captureInterface,
  capturePacket,
  exportedPdu,
} from "../../codecs/capture/mod.ts";
import { bytesOfBase64, concat } from "../../codecs/shared/mod.ts";
import { followAdmin } from "../admin-client.ts";
import { captureTable } from "../command/tables/traffic.ts";
import { loadConfig, namesNone } from "./config-file.ts";
import { type Door, readDoor } from "./door.ts";
import { fileStopped, type Stopped, stopped } from "./exit.ts";
import { knownFolder } from "./folder.ts";
import { command, oneOf, Wrong, wholeOf } from "./options.ts";
import { complain, say, writeBytes } from "./output.ts";
import { programsOf } from "./program-state.ts";
import { atWork } from "./progress.ts";
import { runCommand } from "./run.ts";
import { versionOf } from "./version.ts";

const NAME = "vipr capture";
const SECONDS_MAX = 86_400;
/** What Wireshark reads each by: `vipr dissector` has the first two. */
const DISSECTOR: Readonly<Record<CapturedProtocol, string>> = {
  vap: "vipr.vap",
  pvp: "vipr.pvp",
  sip: "sip",
  reload: "reload",
};

export const captureCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(captureTable, args, async (values) => {
    const { write: file = "-", data, json } = values;
    const seconds = values.seconds === undefined ? undefined : wholeOf(values.seconds, "seconds", 1, SECONDS_MAX);
    const protocols = (values.only ?? CAPTURE_PROTOCOLS.join(",")).split(",");
    for (const one of protocols) oneOf(one, "only", CAPTURE_PROTOCOLS);
    if (file === "-" && process.stdout.isTTY === true)
      throw new Wrong("a capture is no text: --write FILE, or vipr capture | tshark -r - -X lua_script:vipr.lua");
    const wish = { protocols, numbers: values["whole-numbers"] ? "whole" : "masked" };
    const sources = data === undefined ? configured(values) : Effect.succeed([{ name: "program", data }]);
    const program = Effect.gen(function* () {
      const doors = yield* doorsOf(yield* sources);
      const sink = yield* openSink(file);
      const capture = openCapture(sink, doors, { file, json });
      yield* Effect.addFinalizer(() => Effect.sync(capture.end));
      const all = Effect.forEach(doors, ({ door }, i) => follow(door, wish, capture, i), {
        concurrency: "unbounded",
        discard: true,
      });
      const limited = seconds === undefined ? all : Effect.asVoid(Effect.timeoutOption(all, 1_000 * seconds));
      yield* Effect.raceFirst(limited, sink.failed);
    });
    return await runCommand({ name: NAME, logLevel: "Warn" }, program);
  });

interface Source {
  readonly name: string;
  readonly data: string;
}
const configured = (flags: Parameters<typeof loadConfig>[0]): Effect.Effect<ReadonlyArray<Source>, Stopped> =>
  Effect.map(loadConfig(flags), ({ config }) =>
    programsOf(config).map(({ program, data }) => ({ name: program, data })),
  );

interface Captured extends Source {
  readonly door: Door;
}
/** Those that run. */
const doorsOf = Effect.fnUntraced(function* (sources: ReadonlyArray<Source>) {
  const found: Array<Captured> = [];
  if (sources.length === 0) return yield* namesNone();
  let why = "";
  for (const source of sources) {
    const door = yield* Effect.result(Effect.flatMap(knownFolder(source.data), readDoor));
    if (door._tag === "Success") found.push({ ...source, door: door.success });
    else {
      why = door.failure.why;
      if (sources.length > 1) complain(`${NAME}: ${source.name} is left out: ${why}`);
    }
  }
  return found.length > 0 ? found : yield* stopped("unreachable", why);
});

const follow = (door: Door, wish: unknown, capture: OpenCapture, at: number): Effect.Effect<void, Stopped> =>
  followAdmin(door, { path: CAPTURE_PATH, token: door.token, body: wish }, capture.from(at)).pipe(
    Effect.mapError(({ why }) => stopped("unreachable", why)),
    Effect.andThen(Effect.sync(() => capture.over(at))),
  );

interface Sink {
  readonly write: (bytes: Uint8Array) => void;
  /** When it cannot be written any more. */
  readonly failed: Effect.Effect<void, Stopped>;
}

/** A file is closed when the scope closes. One that is there is written over, as by tshark. */
const openSink = Effect.fnUntraced(function* (file: string) {
  const over = yield* Deferred.make<void, Stopped>();
  const failed = Deferred.await(over);
  const fail = (end: Effect.Effect<void, Stopped>): void => void Deferred.doneUnsafe(over, end);
  if (file === "-") {
    const write = (bytes: Uint8Array) => (writeBytes(1, bytes) ? undefined : fail(Effect.void)); // its reader has what it wanted
    return { write, failed } satisfies Sink;
  }
  const fd = yield* Effect.try({ try: () => openSync(file, "w", 0o600), catch: (cause) => fileStopped(file, cause) });
  yield* Effect.addFinalizer(() => Effect.sync(() => closeSync(fd)));
  const write = (bytes: Uint8Array): void => {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } catch (cause) {
      fail(Effect.fail(fileStopped(file, cause)));
    }
  };
  return { write, failed } satisfies Sink;
});

interface OpenCapture {
  readonly from: (at: number) => Parameters<typeof followAdmin>[2];
  readonly over: (at: number) => void;
  /** Writes the end and reports. */
  readonly end: () => void;
}

const openCapture = (
  sink: Sink,
  sources: ReadonlyArray<Source>,
  { file, json }: { readonly file: string; readonly json: boolean },
): OpenCapture => {
  const counts = sources.map(() => ({ messages: 0, leftOut: 0 }));
  const byProtocol: Record<string, number> = {};
  sink.write(concat(captureBegin(`vipr ${versionOf()}`), ...sources.map(({ name }) => captureInterface(name))));
  const take = (at: number, line: CaptureLine | undefined): void => {
    if (line === undefined) return;
    if ("leftOut" in line) counts[at]!.leftOut = line.leftOut;
    else {
      counts[at]!.messages += 1;
      byProtocol[line.protocol] = (byProtocol[line.protocol] ?? 0) + 1;
      sink.write(capturePacket(at, line.atMs, packetOf(line)));
      if (file !== "-") atWork(`${sumOf(counts, "messages")} messages`);
    }
  };
  return {
    from: (at) => ({
      begun: () => complain(`${NAME}: ${sources[at]!.data}: captured from now on`),
      take: (line) => take(at, line as CaptureLine | undefined),
    }),
    over: (at) => complain(`${NAME}: ${sources[at]!.data}: the program has ended`),
    end: () => {
      for (const [at, { messages, leftOut }] of counts.entries())
        sink.write(captureEnd(at, Date.now(), messages + leftOut, leftOut));
      const [messages, leftOut] = [sumOf(counts, "messages"), sumOf(counts, "leftOut")];
      const each = Object.entries(byProtocol).map(([name, count]) => `${name} ${count}`);
      const text = `${messages} messages${each.length === 0 ? "" : `: ${each.join(", ")}`}; ${leftOut} left out`;
      const tell = file === "-" ? complain : say;
      tell(json ? JSON.stringify({ file, messages, byProtocol, leftOut }) : text);
    },
  };
};

const sumOf = <K extends string>(all: ReadonlyArray<Readonly<Record<K, number>>>, key: K): number =>
  all.reduce((sum, one) => sum + one[key], 0);

const packetOf = ({ protocol, from, to, transport, message }: Exclude<CaptureLine, { readonly leftOut: number }>) =>
  exportedPdu({ dissector: DISSECTOR[protocol], from, to, transport, message: bytesOfBase64(message)! });
