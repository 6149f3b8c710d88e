/** What the programs of a company say of themselves at their admin ports, for `vipr status` and `vipr doctor`. */
import http from "node:http";
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { ViprConfig } from "../config/mod.ts";
import { type ReadMetrics, readMetrics } from "../metrics/read.ts";
import { agentData, borderData, serverData } from "./config-file.ts";
import { readDoor } from "./door.ts";
import { knownFolder } from "./folder.ts";

export type ProgramName = "server" | "agent" | "border";

export interface ProgramState {
  readonly program: ProgramName;
  readonly data: string;
  /** Its admin port; undefined: none is written down there. */
  readonly at: Endpoint | undefined;
  /** Undefined: it does not answer. */
  readonly ready: boolean | undefined;
  readonly reasons: ReadonlyArray<string>;
  readonly metrics: ReadMetrics;
}

const ANSWER_MS = 10_000;
const TEXT_BYTES_MAX = 4 * 1_048_576;

/** Those that this configuration has something for. */
export const programsOf = (
  config: ViprConfig,
): ReadonlyArray<{ readonly program: ProgramName; readonly data: string }> => {
  const isServer = config.server.authority !== undefined || config.server.data !== undefined;
  const isAgent = config.agent.listen.length > 0 || config.records.file !== undefined;
  const named = [
    ["server", isServer ? serverData(config) : undefined],
    ["agent", isAgent ? agentData(config) : undefined],
    ["border", config.border.outside === undefined ? undefined : borderData(config)],
  ] as const;
  return named.flatMap(([program, data]) => (data === undefined ? [] : [{ program, data }]));
};

const NOBODY = { ready: undefined, reasons: [], metrics: new Map() };

export const stateOf = (program: ProgramName, data: string): Effect.Effect<ProgramState> =>
  Effect.gen(function* () {
    const door = yield* Effect.option(Effect.flatMap(knownFolder(data), readDoor));
    if (door._tag === "None") return { program, data, at: undefined, ...NOBODY };
    const { host, port } = door.value;
    const at = { host, port };
    const ready = yield* Effect.option(textAt(at, "/readyz"));
    if (ready._tag === "None") return { program, data, at, ...NOBODY };
    const metrics = yield* Effect.option(textAt(at, "/metrics"));
    return {
      program,
      data,
      at,
      ready: ready.value.status === 200,
      reasons: reasonsIn(ready.value.text),
      metrics: readMetrics(metrics._tag === "Some" ? metrics.value.text : ""),
    };
  });

const reasonsIn = (text: string): ReadonlyArray<string> => {
  try {
    const { reasons = [] } = JSON.parse(text) as { readonly reasons?: ReadonlyArray<string> };
    return reasons.map(String);
  } catch {
    return [];
  }
};

/** What a program's admin port answers to GET, as it stands. */
export const textAt = (at: Endpoint, path: string) =>
  Effect.callback<{ readonly status: number; readonly text: string }, string>((resume) => {
    const request = http.get({ ...at, path, agent: false, timeout: ANSWER_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length > TEXT_BYTES_MAX) request.destroy(new Error("too long"));
      });
      response.on("error", (error) => resume(Effect.fail(error.message)));
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })));
    });
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", (error) => resume(Effect.fail(error.message)));
    return Effect.sync(() => void request.destroy());
  });
