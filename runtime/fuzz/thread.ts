/**
 * The thread that runs the laws, watched: it may be asked to stop, and a run that does not end in time, or takes more memory than
 * it may, ends the thread and is the counter-example.
 */
import { Worker } from "node:worker_threads";
import {
  FUZZ_FORMAT,
  FUZZ_VERSION,
  type FuzzExample,
  type FuzzOrder,
  type FuzzReport,
  SHARED,
  SHARED_BYTES,
  sliceSeed,
} from "./protocol.ts";

export interface FuzzThread {
  /** Ends after the present run; what was run has been reported then. */
  readonly stop: () => void;
  /** Undefined when it has said all that it had to say; else why it ended before. */
  readonly ended: Promise<Unfinished | undefined>;
}
/** The run at which a thread has ended. */
export interface Unfinished {
  readonly why: string;
  /** The law's number, and by what the run is found again. Absent: the laws had not begun. */
  readonly law?: number;
  readonly seed?: number;
  readonly path?: string;
}

const LOOK_MS = 250;
const HEAP_MIB_MAX = 2_048;

export const openFuzzThread = (
  file: URL,
  order: FuzzOrder,
  hangMs: number,
  report: (report: FuzzReport) => void,
): FuzzThread => {
  const shared = new Int32Array(new SharedArrayBuffer(SHARED_BYTES));
  Atomics.store(shared, SHARED.law, -1);
  const worker = new Worker(file, {
    workerData: { order, shared },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
  });
  const at = (why: string): Unfinished => {
    const [law, slice, run] = [SHARED.law, SHARED.slice, SHARED.run].map((place) => Atomics.load(shared, place));
    if (law! < 0 || order.type === "list") return { why };
    if (order.type !== "run") return { why, law: law!, seed: order.example.seed, path: order.example.path };
    return { why, law: law!, seed: sliceSeed(order.seed, law!, slice!), path: String(run) };
  };
  const ended = new Promise<Unfinished | undefined>((done) => {
    let [beats, sinceMs] = [-1, performance.now()];
    const end = (how: Unfinished | undefined) => {
      clearInterval(watch);
      done(how);
      void worker.terminate();
    };
    const watch = setInterval(() => {
      const now = Atomics.load(shared, SHARED.beats);
      const isMoving = now !== beats || Atomics.load(shared, SHARED.law) < 0;
      if (isMoving) [beats, sinceMs] = [now, performance.now()];
      else if (performance.now() - sinceMs > hangMs) end(at(`a run has not ended after ${hangMs / 1_000} s`));
    }, LOOK_MS);
    worker.on("message", (message: FuzzReport) => {
      report(message);
      if (message.type === "ended" || message.type === "unusable" || message.type === "known") end(undefined);
    });
    worker.on("error", (error: Error & { readonly code?: string }) => {
      const isFull = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      end(at(isFull ? `a run takes more than ${HEAP_MIB_MAX} MiB` : (error.stack ?? String(error))));
    });
    worker.on("exit", (code) => end(at(`the thread has ended with ${code}`)));
  });
  return { stop: () => Atomics.store(shared, SHARED.stop, 1), ended };
};

/** The counter-example that an unfinished run is. */
export const exampleOf = (target: string, law: string, { why, seed = 0, path = "" }: Unfinished): FuzzExample => ({
  format: FUZZ_FORMAT,
  version: FUZZ_VERSION,
  target,
  law,
  seed,
  path,
  shown: [],
  why,
});
