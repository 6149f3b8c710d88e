/**
 * What a program tells its service manager (sd_notify): that it is ready, what it does, that it reloads or ends, that it lives.
 *
 *   $NOTIFY_SOCKET <-- systemd-notify READY=1, STATUS=..., RELOADING=1, STOPPING=1      each $WATCHDOG_USEC / 2: WATCHDOG=1
 *
 * None of Node, Deno and Bun sends datagrams over Unix sockets, so that systemd's own command does; it waits until the manager
 * has taken the message, and NotifyAccess=all in the unit lets it speak for us. DECISIONS.md D-224.
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { Context, Effect, type Scope, Semaphore } from "effect";

export interface ServiceNotes {
  /** It serves; once. */
  readonly ready: (status: string) => Effect.Effect<void>;
  /** One line for `systemctl status`. */
  readonly status: (text: string) => Effect.Effect<void>;
  /** Around what SIGHUP does. */
  readonly reloading: (work: Effect.Effect<void>) => Effect.Effect<void>;
  readonly stopping: Effect.Effect<void>;
}

export const noNotes: ServiceNotes = {
  ready: () => Effect.void,
  status: () => Effect.void,
  reloading: (work) => work,
  stopping: Effect.void,
};

export const Notes = Context.Reference<ServiceNotes>("vipr/runtime/cli/ServiceNotes", { defaultValue: () => noNotes });

export const noteReady = (status: string): Effect.Effect<void> => Effect.flatMap(Notes, (notes) => notes.ready(status));

const COMMAND = "systemd-notify";
const NOTIFY_MS_MAX = 5_000;
const STATUS_CHARS_MAX = 200;
/** Twice within the manager's patience, as sd_watchdog_enabled(3) has it. */
const WATCHDOG_PARTS = 2;
const WATCHDOG_MS_MIN = 100;

/** As the manager's environment asks for it; nothing without `NOTIFY_SOCKET`. */
export const openService = Effect.fn("service.open")(function* (
  env: Readonly<Record<string, string | undefined>> = process.env,
): Effect.fn.Return<ServiceNotes, never, Scope.Scope> {
  if (env.NOTIFY_SOCKET === undefined || env.NOTIFY_SOCKET === "") return noNotes;
  let isReady = false;
  const inTurn = yield* Semaphore.make(1); // RELOADING and READY must not change places
  const notify = (...lines: ReadonlyArray<string>): Effect.Effect<void> =>
    inTurn.withPermits(1)(
      Effect.flatMap(sent(lines, env), (why) =>
        why === undefined ? Effect.void : Effect.logWarning("service.notNotified", why),
      ),
    );
  const periodMs = watchdogMs(env);
  if (periodMs !== undefined)
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(notify("WATCHDOG=1"), Effect.sleep(periodMs))));
  return {
    ready: (status) =>
      Effect.suspend(() => {
        if (isReady) return notify(statusLine(status));
        isReady = true;
        return notify("READY=1", statusLine(status));
      }),
    status: (text) => notify(statusLine(text)),
    reloading: (work) =>
      Effect.andThen(
        notify("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`),
        Effect.ensuring(work, notify("READY=1")),
      ),
    stopping: notify("STOPPING=1", statusLine("leaving")),
  };
});

const statusLine = (text: string): string => `STATUS=${text.replace(/\s+/g, " ").slice(0, STATUS_CHARS_MAX)}`;

/** How often the manager wants to hear of this process. */
export const watchdogMs = (
  env: Readonly<Record<string, string | undefined>>,
  pid = process.pid,
): number | undefined => {
  const { WATCHDOG_USEC: usec = "", WATCHDOG_PID: of } = env;
  if (!/^[1-9]\d{0,15}$/.test(usec) || (of !== undefined && of !== String(pid))) return undefined;
  return Math.max(WATCHDOG_MS_MIN, Math.floor(Number(usec) / 1_000 / WATCHDOG_PARTS));
};

/** Why it could not be sent. */
const sent = (lines: ReadonlyArray<string>, env: Readonly<Record<string, string | undefined>>) =>
  Effect.callback<string | undefined>((resume) => {
    const child = spawn(COMMAND, [...lines], { stdio: "ignore", env: { ...env }, timeout: NOTIFY_MS_MAX });
    child.once("error", (error) => resume(Effect.succeed(`${COMMAND}: ${error.message}`)));
    child.once("close", (code) => resume(Effect.succeed(code === 0 ? undefined : `${COMMAND} ended with ${code}`)));
  });
