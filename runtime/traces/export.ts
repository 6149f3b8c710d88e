/**
 * Sends spans to a collector: OTLP over HTTP, as JSON, some at a time. A collector that is away costs spans, and nothing else.
 *
 *   record --> held (bounded) --each second, or at the end--> POST /v1/traces
 */
import { Effect, type Scope } from "effect";
import { versionOf } from "../cli/version.ts";
import type { OtlpSpan } from "./spans.ts";

/** Held until they are sent; more are dropped and counted. */
export const SPANS_MAX = 4_096;
const BATCH_MAX = 512;
const EVERY_MS = 1_000;
const ANSWER_MS = 5_000;
/** Between two lines of the log about a collector that is away. */
const SAID_MS = 60_000;

export interface SpanExport {
  readonly record: (span: OtlpSpan) => void;
  readonly counts: () => { readonly sent: number; readonly dropped: number };
}

export const otlpUrl = (base: string): string =>
  base.endsWith("/v1/traces") ? base : `${base.replace(/\/$/, "")}/v1/traces`;

/** Until the scope closes; what is held then is sent once more. */
export const openSpanExport = Effect.fn("traces.export")(function* (
  base: string,
): Effect.fn.Return<SpanExport, never, Scope.Scope> {
  const url = otlpUrl(base);
  const held: Array<OtlpSpan> = [];
  let [sent, dropped] = [0, 0];
  let saidMs = Number.NEGATIVE_INFINITY;
  const flush = Effect.gen(function* () {
    while (held.length > 0) {
      const batch = held.splice(0, BATCH_MAX);
      const why = yield* posted(url, batch);
      if (why === undefined) {
        sent += batch.length;
        continue;
      }
      dropped += batch.length;
      const nowMs = performance.now();
      if (nowMs - saidMs < SAID_MS) return;
      saidMs = nowMs;
      return yield* Effect.logWarning("trace.notSent", why, { dropped });
    }
  });
  yield* Effect.addFinalizer(() => flush);
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(EVERY_MS), flush)));
  return {
    record: (span) => {
      if (held.length < SPANS_MAX) held.push(span);
      else dropped += 1;
    },
    counts: () => ({ sent, dropped }),
  };
});

const bodyOf = (spans: ReadonlyArray<OtlpSpan>): string =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: "service.name", value: { stringValue: "vipr-server" } },
            { key: "service.version", value: { stringValue: versionOf() } },
          ],
        },
        scopeSpans: [{ scope: { name: "vipr" }, spans }],
      },
    ],
  });

/** Why it was not taken. */
const posted = (url: string, spans: ReadonlyArray<OtlpSpan>): Effect.Effect<string | undefined> =>
  Effect.tryPromise({
    try: async () => {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: bodyOf(spans),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      await answer.body?.cancel();
      return answer.ok ? undefined : `status ${answer.status}`;
    },
    catch: (cause) => (cause instanceof Error ? cause.message : String(cause)),
  }).pipe(Effect.catch((why) => Effect.succeed<string | undefined>(why)));
