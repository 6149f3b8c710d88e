/**
 * What a running program holds on to: its collector is run from outside, by the inspector that Node opens at SIGUSR1, and then its
 * memory is looked at. Without that, resident memory says where the collector is in its saw-tooth.
 */
import process from "node:process";
import { residentMb } from "../bench/curves/costs.ts";

/** For the environment of programs that are started: the inspector takes a port that is free. */
export const INSPECTED = "--inspect-port=0";
const OPEN_MS_MAX = 30_000;
const LOOK_MS = 50;

export interface Held {
  /** Live objects. */
  readonly heapMib: number;
  /** The whole process, when the collector has just run. */
  readonly residentMib: number;
}

/** `said`: what the program has printed, in which Node says where its inspector listens. */
export const openCollector = async (pid: number, said: () => string): Promise<() => Promise<Held>> => {
  process.kill(pid, "SIGUSR1");
  const socket = new WebSocket(await addressIn(said));
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { readonly id?: number; readonly result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  };
  let asked = 0;
  const ask = (method: string): Promise<unknown> =>
    new Promise((resolve) => {
      waiting.set(++asked, resolve);
      socket.send(JSON.stringify({ id: asked, method }));
    });
  return async () => {
    await ask("HeapProfiler.collectGarbage");
    const { usedSize } = (await ask("Runtime.getHeapUsage")) as { readonly usedSize: number };
    return { heapMib: usedSize / 1_048_576, residentMib: residentMb(pid) };
  };
};

const addressIn = async (said: () => string): Promise<string> => {
  for (let waitedMs = 0; waitedMs < OPEN_MS_MAX; waitedMs += LOOK_MS) {
    const found = /Debugger listening on (ws:\S+)/.exec(said());
    if (found !== null) return found[1]!;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error("the program opens no inspector: is it Node?");
};
