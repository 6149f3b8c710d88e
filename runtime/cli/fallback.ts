/** `[fallback]`: the media relay that watches calls, and what takes them to the telephone network. docs/operator.md#media-that-stop */
import { Effect } from "effect";
import { type Fallback, openFallback } from "../../actors/fallback/mod.ts";
import type { MediaRelayShape } from "../../actors/media/mod.ts";
import { numbersBy } from "../../machines/fallback/mod.ts";
import { QUALITY_DEFAULTS } from "../../machines/media/mod.ts";
import type { Configuration, ViprConfig } from "../config/mod.ts";
import { stopped } from "./exit.ts";
import { relayOf } from "./relay.ts";

export interface CompanyFallback {
  readonly relay: MediaRelayShape;
  readonly fallback: Fallback;
}

/** Of `vipr company`. Undefined: the configuration wants none. */
export const openCompanyFallback = Effect.fn("company.fallback")(function* ({ config, plan }: Configuration) {
  const { enabled, matchDigits, answerTimeoutMs, holdDownS, addresses } = config.fallback;
  if (!enabled) return undefined;
  if (config.border.outside === undefined) return yield* stopped("usage", "fallback.enabled: wants [border]");
  if (config.media.relay !== "own") return yield* stopped("usage", 'fallback.enabled: wants media.relay = "own"');
  if (config.agent.listen.length === 0) return yield* stopped("usage", "fallback.enabled: wants agent.listen");
  let relay: MediaRelayShape | undefined;
  const fallback = yield* openFallback({
    matchDigits,
    answerMs: answerTimeoutMs,
    numbers: numbersBy(plan, matchDigits),
    moves: () => relay!.moves!,
  });
  relay = yield* relayOf(config, {
    quality: { ...QUALITY_DEFAULTS, holdDownMs: 1_000 * holdDownS },
    ...(addresses.length === 0 ? {} : { trunk: addresses }),
    troubled: fallback.troubled,
  });
  return { relay: relay!, fallback } satisfies CompanyFallback as CompanyFallback;
});

/** Agent and border element by themselves have no relay in common. */
export const withoutFallback = ({ fallback }: ViprConfig) =>
  fallback.enabled ? stopped("usage", "fallback.enabled: only vipr company can") : Effect.void;
