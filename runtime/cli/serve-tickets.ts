/**
 * `vipr ticket serve`: the check over HTTP, until it is ended.
 *
 *   secrets' file --> looked at each second --> keys of the epochs --> GET /check
 */
import { Effect, Result } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import { Seals } from "../../actors/ports/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { maskE164 } from "../../codecs/shared/mod.ts";
import { type CheckQuestion, type CheckVerdict, serveChecks } from "../ticket-service.ts";
import { listenStopped } from "./exit.ts";
import { say } from "./output.ts";
import { check, sealsOf } from "./ticket-check.ts";
import { readTicketSecrets, type TicketSecrets } from "./ticket-secrets.ts";

const LOOK_MS = 1_000;

export interface TicketServeSettings {
  readonly listen: Endpoint;
  readonly token: string;
  readonly secretFile: string;
}

export const serveTickets = Effect.fn("ticket.serving")(function* ({ listen, token, secretFile }: TicketServeSettings) {
  const makeSeal = yield* Seals;
  const log = Effect.runForkWith(yield* Effect.context<never>());
  let secrets = yield* readTicketSecrets(secretFile);
  let seals = yield* sealsOf(secrets, makeSeal);
  const maySay = limiter(log);
  const checked = (question: CheckQuestion): CheckVerdict => {
    const verdict = check(seals, { ...question, atMs: Date.now() });
    const nowMs = Date.now();
    if (verdict.type === "admit" || maySay(nowMs)) log(logged(question, verdict));
    return verdict;
  };
  const at = yield* serveChecks(listen, { token, check: checked }).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "--listen takes another"))),
  );
  say(`check    http://${addressText(at)}/check\n${epochLines(secrets)}`);
  let isBad = false;
  // A file that cannot be read, or half written, leaves what was known; said once.
  const look = Effect.gen(function* () {
    const read = yield* Effect.result(readTicketSecrets(secretFile));
    if (Result.isFailure(read)) {
      if (!isBad) yield* Effect.logWarning("ticket.secrets", read.failure.why);
      isBad = true;
      return;
    }
    isBad = false;
    if (isSame(secrets, read.success)) return;
    seals = yield* sealsOf(read.success, makeSeal);
    secrets = read.success;
    yield* Effect.logInfo("ticket.secrets.changed", epochLines(secrets).replaceAll("\n", ", "));
  });
  return yield* Effect.forever(Effect.andThen(Effect.sleep(LOOK_MS), look));
});

/** Whoever floods a border element with bad tickets fills no disk: so many lines a second, and how many there were besides. */
const SAID_EACH_SECOND_MAX = 20;
const limiter = (log: (effect: Effect.Effect<void>) => unknown) => {
  let second = 0;
  let count = 0;
  return (nowMs: number): boolean => {
    const now = Math.floor(nowMs / 1_000);
    if (now !== second) {
      const more = count - SAID_EACH_SECOND_MAX;
      if (more > 0) log(Effect.logInfo("ticket.refused.more", more));
      second = now;
      count = 0;
    }
    count += 1;
    return count <= SAID_EACH_SECOND_MAX;
  };
};

const logged = ({ number }: CheckQuestion, verdict: CheckVerdict): Effect.Effect<void> =>
  verdict.type === "admit"
    ? Effect.logDebug("ticket.good", maskE164(number), verdict.domain)
    : Effect.logInfo("ticket.refused", verdict.why, maskE164(number));

const epochLines = (secrets: TicketSecrets): string =>
  [...secrets].map(([domain, all]) => `epochs   ${domain} ${all.map(({ epoch }) => epoch).join(" ")}`).join("\n");

const isSame = (a: TicketSecrets, b: TicketSecrets): boolean => JSON.stringify([...a]) === JSON.stringify([...b]);
