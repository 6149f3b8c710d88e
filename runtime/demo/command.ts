/** `vipr demo`: reads the calls, runs the scenario, prints the result for a person or for a script, and returns an exit code. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Cause, Clock, Effect, Layer, Logger, References } from "effect";
import { Watch } from "../../actors/kit/mod.ts";
import { type E164, utf8 } from "../../codecs/shared/mod.ts";
import { reportText } from "../cli/explain-text.ts";
import { lineLogger, textOf } from "../cli/log.ts";
import { command, Wrong } from "../cli/options.ts";
import { complain, say, whyUnwritten } from "../cli/output.ts";
import { exitCode } from "../command/exit-codes.ts";
import { demoTable } from "../command/tables/trials.ts";
import { nodeLayer } from "../node.ts";
import { openTrace, TraceFailed } from "../trace.ts";
import type { RunningCompany } from "./company.ts";
import { canCallEachOther, companiesOf } from "./domains.ts";
import { exampleCalls } from "./example.ts";
import { nextText } from "./next.ts";
import { openOffer, withOffer } from "./open-page.ts";
import { type DemoOptions, demoOptions } from "./options.ts";
import { preflight } from "./preflight.ts";
import { listenerOf } from "./printing.ts";
import { readDemoCalls } from "./records.ts";
import { brokenPromise, tableOf } from "./report.ts";
import { runDemo } from "./scenario.ts";

const FILE_BYTES_MAX = 256 * 1024 * 1024;
const PROBLEMS_SHOWN_MAX = 20;
/** Calls played: a minute's worth on two cores. Further calls of a long file are read, counted and not played. */
const CALLS_MAX = 1_000;
/** For a whole run: after that something hangs, and the exit code says so. */
const RUN_MS_MAX = 300_000;

export const demoCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(demoTable, args, async (values) => {
    const options = demoOptions(values);
    const why = await preflight(options);
    if (why !== undefined) throw new Wrong(why);
    const code = await demo(options);
    const unwritten = whyUnwritten();
    if (unwritten === undefined) return code;
    complain(`vipr demo: the report could not be written: ${unwritten}`);
    return code === exitCode.done ? exitCode.fault : code;
  });

const demo = async (options: DemoOptions): Promise<number> => {
  const quiet = Layer.merge(
    Logger.layer([options.json ? jsonLogger : lineLogger]),
    Layer.succeed(References.MinimumLogLevel, options.verbose ? "Info" : "Error"),
  );
  const ports = nodeLayer(options.seed === undefined ? {} : { seed: options.seed });
  const input = await Effect.runPromise(Effect.provide(inputOf(options), quiet));
  if (input === undefined) return 2;
  const program = Effect.scoped(
    Effect.gen(function* () {
      const listener = listenerOf(options, yield* Clock.currentTimeMillis);
      const offer = yield* openOffer(options);
      const { admin } = options;
      const data = options.data ?? (options.once ? undefined : yield* ownDirectory);
      const report = yield* Effect.timeoutOrElse(
        watched(options.trace, runDemo({ ...input, admin, data }, withOffer(listener, offer))),
        {
          duration: RUN_MS_MAX,
          orElse: () => Effect.die(new Error(`no end after ${RUN_MS_MAX / 1_000} s`)),
        },
      );
      listener.end();
      const page = listener.page();
      yield* Effect.forEach(options.explain, (number) => explained(number, report.running, options.json), {
        discard: true,
      });
      say(options.json ? JSON.stringify({ summary: report.summary }) : tableOf(report));
      const broken = brokenPromise(report.summary);
      if (broken !== undefined) complain(`vipr demo: ${broken}`);
      if (!options.once) {
        if (!options.json) say(nextText(report, page));
        yield* interrupted;
      }
      return broken === undefined ? 0 : 1;
    }),
  );
  return await Effect.runPromise(
    program.pipe(
      Effect.catchCause((cause) =>
        Effect.sync(() => {
          complain(`vipr demo: ${whyOf(cause)}`);
          return Cause.squash(cause) instanceof TraceFailed ? 2 : 1;
        }),
      ),
      Effect.provide(Layer.merge(ports, quiet)),
    ),
  );
};

/** Where the companies' admin ports are written down, for the page: gone at the end. */
const ownDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-demo-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

/** Prints the audit report of a number from each company that has one. */
const explained = (number: E164, running: ReadonlyArray<RunningCompany>, json: boolean) =>
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    let isKnown = false;
    for (const { domain, server } of running) {
      const story = yield* server.explain(number);
      if (story === undefined) continue;
      isKnown = true;
      say(json ? JSON.stringify({ type: "story", domain, story }) : `\n${domain} on ${reportText(story, nowMs)}`);
    }
    if (!isKnown && json) say(JSON.stringify({ type: "story", number, story: null }));
    else if (!isKnown) say(`\nNo company knows anything of ${number}.`);
  });

/** Under the trace's watcher when one is asked for. A trace that ends early is logged at every level of the log. */
const watched = <A, E, R>(file: string | undefined, work: Effect.Effect<A, E, R>) =>
  file === undefined
    ? work
    : Effect.flatMap(Effect.provideService(openTrace(file), References.MinimumLogLevel, "Warn"), (watcher) =>
        Effect.provideService(work, Watch, watcher),
      );

/** The calls, and the companies whose numbers are in them; undefined when the file has too few, which is printed. */
const inputOf = ({ calls: file, zone, domains, json }: DemoOptions) =>
  Effect.sync(() => {
    const bytes = readCalls(file);
    if (bytes === undefined) return undefined;
    const reading = readDemoCalls(bytes, zone);
    if (reading === undefined) return complain(`vipr demo: unknown time zone ${zone}`) as undefined;
    const { calls, problems } = reading;
    if (calls.length === 0) {
      const first = problems.find(({ kind }) => kind === "error") ?? problems[0];
      const at = first === undefined ? "" : ` (line ${first.line}: ${first.reason})`;
      return complain(`vipr demo: ${file ?? "the example"}: no line tells an answered call${at}`) as undefined;
    }
    for (const { line, kind, reason } of problems.slice(0, PROBLEMS_SHOWN_MAX))
      if (kind === "error" && !json) complain(`line ${line}: ${reason}; skipped`);
      else if (json) say(JSON.stringify({ type: kind === "error" ? "badLine" : "skippedLine", line, reason }));
    const errors = problems.filter(({ kind }) => kind === "error").length;
    if (!json) {
      if (errors > PROBLEMS_SHOWN_MAX) complain(`... and more: ${errors} lines could not be read`);
      if (calls.length > CALLS_MAX) complain(`only the first ${CALLS_MAX} of ${calls.length} calls are played`);
      say(`${calls.length} answered calls read, ${problems.length - errors} unanswered, ${errors} bad lines`);
    }
    const companies = companiesOf(calls, domains);
    if (companies !== undefined && canCallEachOther(companies)) return { calls: calls.slice(0, CALLS_MAX), companies };
    complain("vipr demo: the calls do not tell of numbers of two domains; --domain says whose are whose");
    return undefined;
  });

const readCalls = (file: string | undefined): Uint8Array | undefined => {
  try {
    const bytes = file === undefined ? utf8(exampleCalls()) : readFileSync(file);
    if (bytes.length <= FILE_BYTES_MAX) return bytes;
    complain(`vipr demo: ${file}: over ${FILE_BYTES_MAX} bytes`);
  } catch (error) {
    complain(`vipr demo: cannot read the calls: ${(error as Error).message}`);
  }
  return undefined;
};

/** A failure of ours says why in a field of its own; anything else shows where it happened. */
const whyOf = (cause: Cause.Cause<unknown>): string => {
  const failure = Cause.squash(cause) as { readonly _tag?: string; readonly why?: string };
  return failure.why === undefined ? Cause.pretty(cause) : `${failure._tag}: ${failure.why}`;
};

const interrupted = Effect.callback<void>((resume) => {
  const stop = () => resume(Effect.void);
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  // A pending signal handler alone keeps no process alive.
  const alive = setInterval(() => {}, 60_000);
  return Effect.sync(() => clearInterval(alive));
});

const jsonLogger = Logger.make(({ logLevel, message }) => {
  say(JSON.stringify({ type: "log", level: logLevel, message: textOf(message) }));
});
