/**
 * `[fallback]`: the media relay that watches calls, and what takes them to the telephone network. docs/operator.md#media-that-stop
 *
 *   vipr company            fallback <--> relay                                in one process
 *   vipr agent, vipr border fallback <-- fallback.control, a TCP port --> relay
 */
import { Effect } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import { type Fallback, openFallback } from "../../actors/fallback/mod.ts";
import {
  type ControlledMoves,
  type MediaRelayShape,
  type MediaTrouble,
  openMediaControl,
  serveMediaControl,
} from "../../actors/media/mod.ts";
import { numbersBy } from "../../machines/fallback/mod.ts";
import { QUALITY_DEFAULTS } from "../../machines/media/mod.ts";
import type { Configuration, ViprConfig } from "../config/mod.ts";
import { missing } from "./config-file.ts";
import { listenStopped, stopped } from "./exit.ts";
import { isLoopback } from "./options.ts";
import { passwordFrom } from "./password.ts";
import { relayOf } from "./relay.ts";

export interface CompanyFallback {
  readonly relay: MediaRelayShape;
  readonly fallback: Fallback;
}

/** Of `vipr company`. Undefined: the configuration wants none. */
export const openCompanyFallback = Effect.fn("company.fallback")(function* (configuration: Configuration) {
  const { config } = configuration;
  if (!config.fallback.enabled) return undefined;
  if (config.border.outside === undefined) return yield* stopped("usage", "fallback.enabled: wants [border]");
  let relay: MediaRelayShape | undefined;
  const fallback = yield* fallbackOf(configuration, () => relay!.moves!);
  relay = yield* watchingRelay(config, fallback.troubled);
  return { relay: relay!, fallback } satisfies CompanyFallback as CompanyFallback;
});

/** Of `vipr agent`: the relay is the border element's, in another program. Undefined: the configuration wants none. */
export const openAgentFallback = Effect.fn("agent.fallback")(function* (configuration: Configuration) {
  const { config } = configuration;
  if (!config.fallback.enabled) return undefined;
  const at = yield* controlOf(config);
  let moves: ControlledMoves | undefined;
  const fallback = yield* fallbackOf(configuration, () => moves!);
  moves = yield* openMediaControl({ ...at, troubled: fallback.troubled });
  return fallback;
});

/** Of `vipr border`: its relay, which agents in other programs command where calls are to be moved. */
export const openBorderRelay = Effect.fn("border.relay")(function* (config: ViprConfig) {
  if (!config.fallback.enabled) return yield* relayOf(config);
  const at = yield* controlOf(config);
  let relay: MediaRelayShape | undefined;
  const { listening, troubled } = yield* serveMediaControl({ ...at, moves: () => relay!.moves! }).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "fallback.control takes another"))),
  );
  relay = yield* watchingRelay(config, troubled);
  yield* Effect.logInfo("media.control.serves", addressText(listening));
  return relay;
});

const fallbackOf = Effect.fnUntraced(function* ({ config, plan }: Configuration, moves: () => ControlledMoves) {
  const { matchDigits, answerTimeoutMs } = config.fallback;
  if (config.agent.listen.length === 0) return yield* stopped("usage", "fallback.enabled: wants agent.listen");
  const credentials = yield* credentialsOf(config);
  const numbers = numbersBy(plan, matchDigits);
  return yield* openFallback({ matchDigits, answerMs: answerTimeoutMs, numbers, credentials, moves });
});

/** For trunks that ask who we are. */
const credentialsOf = ({ trunk }: ViprConfig) =>
  Effect.forEach(
    trunk.filter(({ user }) => user !== undefined),
    Effect.fnUntraced(function* ({ name, user, passwordFile, realm }) {
      const file = passwordFile ?? (yield* missing(`trunk.password-file of ${name}`, `the password of ${user}`));
      return { realm, user: user!, password: yield* passwordFrom(file, "password") };
    }),
  );

const watchingRelay = Effect.fnUntraced(function* (config: ViprConfig, troubled: (trouble: MediaTrouble) => void) {
  const { holdDownS, addresses } = config.fallback;
  if (config.media.relay !== "own") return yield* stopped("usage", 'fallback.enabled: wants media.relay = "own"');
  return yield* relayOf(config, {
    quality: { ...QUALITY_DEFAULTS, holdDownMs: 1_000 * holdDownS },
    ...(addresses.length === 0 ? {} : { trunk: addresses }),
    troubled,
  });
});

/** Whoever commands the relay sends calls' sound where it likes: this machine alone may, and nobody without the token. */
const controlOf = Effect.fnUntraced(function* ({ fallback: { control, controlTokenFile } }: ViprConfig) {
  const at = control ?? (yield* missing("fallback.control", "as 127.0.0.1:5067, in agent's and border element's file"));
  if (!isLoopback(at.host)) return yield* stopped("usage", "fallback.control: wants an address of this machine");
  const file = controlTokenFile ?? (yield* missing("fallback.control-token-file", "the token that is asked for there"));
  return { host: at.host, port: at.port, token: yield* passwordFrom(file, "token") };
});
