/**
 * Runs one command: its log, its end.
 *
 *   SIGTERM, SIGINT --> interrupted: scopes close, farewells are said --> 0, or 130 where a task was not finished
 *                                                                         a second one, or 10 s --> at once, 130
 *   Stopped --> its sentence and its number        a fault of ours --> the log, 1
 */
import process from "node:process";
import { Cause, Effect, Exit, Layer, Logger, References, type Scope } from "effect";
import { exitCode, Stopped } from "./exit.ts";
import { type LogSettings, lineLogger, logLayer } from "./log.ts";
import { complain, whyUnwritten, wipe } from "./output.ts";
import { Notes, openService } from "./service.ts";

/** From the first signal to the end, whatever is not finished then. */
export const DRAIN_MS = 10_000;

export interface RunSettings {
  /** For complaints: `vipr node`. */
  readonly name: string;
  readonly logLevel?: "Debug" | "Info" | "Warn" | "Error";
  /** Of a command that has something to finish: what is said when a signal ended it, with 130. Without, that is a good end. */
  readonly unfinished?: string | undefined;
  /** Instead of a level: the whole log. */
  readonly log?: LogSettings;
}

export const runCommand = async (
  { name, logLevel = "Info", log: settings, unfinished }: RunSettings,
  program: Effect.Effect<void, Stopped, Scope.Scope>,
): Promise<number> => {
  const log =
    settings === undefined
      ? Layer.merge(Logger.layer([lineLogger]), Layer.succeed(References.MinimumLogLevel, logLevel))
      : logLayer(settings);
  const abort = new AbortController();
  let late: NodeJS.Timeout | undefined;
  const stop = () => {
    if (abort.signal.aborted) process.exit(exitCode.interrupted);
    late = setTimeout(() => {
      complain(`${name}: not finished within ${DRAIN_MS / 1_000} s: ended at once`);
      process.exit(exitCode.interrupted);
    }, DRAIN_MS);
    abort.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const alive = setInterval(() => {}, 60_000); // a pending signal handler alone keeps no process alive
  const exit = await Effect.runPromiseExit(Effect.provide(Effect.scoped(noted(program)), log), {
    signal: abort.signal,
  });
  clearInterval(alive);
  clearTimeout(late);
  wipe();
  const code = codeOf(name, exit, unfinished);
  const unwritten = whyUnwritten();
  if (unwritten === undefined) return code;
  complain(`${name}: standard output could not be written: ${unwritten}`);
  return code === exitCode.done ? exitCode.fault : code;
};

/** Under a service manager, which is told when it is ready (by the program) and when it ends. */
const noted = <E>(program: Effect.Effect<void, E, Scope.Scope>): Effect.Effect<void, E, Scope.Scope> =>
  Effect.flatMap(openService(), (notes) =>
    Effect.onInterrupt(Effect.provideService(program, Notes, notes), () => notes.stopping),
  );

const codeOf = (name: string, exit: Exit.Exit<void, Stopped>, unfinished: string | undefined): number => {
  if (Exit.isSuccess(exit)) return exitCode.done;
  if (Cause.hasInterruptsOnly(exit.cause)) {
    if (unfinished === undefined) return exitCode.done;
    complain(`${name}: ${unfinished}`);
    return exitCode.interrupted;
  }
  const end = Cause.squash(exit.cause);
  if (end instanceof Stopped) {
    complain(`${name}: ${end.why}`);
    return end.code;
  }
  complain(`${name}: a fault of this program: ${Cause.pretty(exit.cause)}`);
  return exitCode.fault;
};
