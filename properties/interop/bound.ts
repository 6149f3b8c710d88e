/** Whether a program listens that says nothing of it: its port stands in the system's table. */
import { readFileSync } from "node:fs";
import { Effect } from "effect";
import { until } from "./peers.ts";

/** The state of a TCP socket that listens, and of a UDP socket that is bound, in /proc/net. */
const LISTENS = { TCP: "0A", UDP: "07" } as const;

export const isBound = (port: number, transport: "TCP" | "UDP"): boolean => {
  const inHex = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["", "6"].some((family) => {
    const table = readFileSync(`/proc/net/${transport.toLowerCase()}${family}`, "utf8");
    return table.split("\n").some((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      return local?.endsWith(inHex) === true && state === LISTENS[transport];
    });
  });
};

export const bound = (port: number, transport: "TCP" | "UDP", said: { readonly text: string } = { text: "" }) =>
  Effect.asVoid(until(`port ${port} of ${transport} is listened at`, () => isBound(port, transport), said));
