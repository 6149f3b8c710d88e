/**
 * Where other nodes were when this one last ran. The only use: a first node that starts again finds its overlay.
 * Requirements: RFC 6940 §11.4.
 */
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { Stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";

const KNOWN = "known.json";
const KNOWN_MAX = 8;

/** Empty when there is none that can be read: it is only a hint. */
export const readKnown = (folder: Folder): Effect.Effect<ReadonlyArray<Endpoint>, Stopped> =>
  Effect.map(folder.read(KNOWN), (text = "[]") => {
    try {
      const read: unknown = JSON.parse(text);
      return (Array.isArray(read) ? read : []).filter(isEndpoint).slice(0, KNOWN_MAX);
    } catch {
      return [];
    }
  });

const isEndpoint = (value: unknown): value is Endpoint => {
  const { host, port } = (value ?? {}) as Partial<Endpoint>;
  return typeof host === "string" && Number.isInteger(port) && port! > 0 && port! < 65_536;
};

/** Written when it has changed. A node that stands alone keeps what it knew. */
export const knownKeeper = (folder: Folder) => {
  let written = "";
  return (reached: ReadonlyArray<Endpoint>): Effect.Effect<void, Stopped> =>
    Effect.suspend(() => {
      const text = `${JSON.stringify(reached.slice(0, KNOWN_MAX).map(({ host, port }) => ({ host, port })))}\n`;
      if (reached.length === 0 || text === written) return Effect.void;
      written = text;
      return folder.write(KNOWN, text);
    });
};
