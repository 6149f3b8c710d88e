/** The certificate that a program shows over TLS, when it is not valid or will not be for long: said at the start, at SIGHUP, each day. */
import { Clock, Effect, type Scope } from "effect";
import { isoOf } from "../../actors/admin/mod.ts";
import type { Credentials } from "../../actors/ports/mod.ts";
import { inspect } from "../chains.ts";
import { warnMs } from "../metrics/certificates.ts";

const DAY_MS = 86_400_000;

/** WARN while there is time, ERROR once every peer refuses it. It ends no program: calls take the telephone network meanwhile. */
export const sayCertificate = Effect.fnUntraced(function* (
  program: "agent" | "border",
  credentials: Pick<Credentials, "certificates"> | undefined,
) {
  const [own] = credentials?.certificates ?? [];
  const facts = own === undefined ? undefined : yield* Effect.orElseSucceed(inspect(own), () => undefined);
  if (facts === undefined) return;
  const [nowMs, event, key] = [yield* Clock.currentTimeMillis, `${program}.certificate`, `${program}.certificate-file`];
  const { notBeforeMs, notAfterMs } = facts;
  if (nowMs > notAfterMs)
    return yield* Effect.logError(event, `ended at ${isoOf(notAfterMs)}; a new ${key}, then SIGHUP`);
  if (nowMs < notBeforeMs)
    return yield* Effect.logError(event, `is not valid before ${isoOf(notBeforeMs)}: this machine's clock, or ${key}`);
  if (notAfterMs - nowMs < warnMs(facts))
    yield* Effect.logWarning(event, `ends at ${isoOf(notAfterMs)}; a new ${key}, then SIGHUP`);
});

/** Of what it shows then. */
export const watchCertificate = (
  program: "agent" | "border",
  shown: () => Credentials | undefined,
): Effect.Effect<void, never, Scope.Scope> => {
  const look = Effect.suspend(() => sayCertificate(program, shown()));
  return Effect.asVoid(Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep(DAY_MS)))));
};
