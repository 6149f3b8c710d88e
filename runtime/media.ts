/** The media relay that `[media]` of `vipr.toml` asks for. docs/operator.md#media */
import { Data, Effect, type Scope } from "effect";
import {
  type EmbeddedOptions,
  type MediaRelayShape,
  openEmbeddedRelay,
  openRtpengineRelay,
} from "../actors/media/mod.ts";
import type { Datagrams, Entropy, ListenFailed } from "../actors/ports/mod.ts";
import { rangeOf, type ViprConfig } from "./config/mod.ts";

export type MediaConfig = ViprConfig["media"];
/** What takes calls to the telephone network wants of our own relay. */
export type MediaWatching = Pick<EmbeddedOptions, "quality" | "trunk" | "troubled">;

/** What is missing in `[media]` for the relay that it names. */
export class MediaNotConfigured extends Data.TaggedError("MediaNotConfigured")<{
  readonly key: "inside" | "outside" | "ports" | "rtpengine" | "interfaces";
  readonly why: string;
}> {}
const missing = (key: MediaNotConfigured["key"], why: string) => new MediaNotConfigured({ key, why });

/** Undefined: there is none, and media must be secured from end to end. Open until the scope closes. */
export const openMediaRelay = (
  config: MediaConfig,
  watching: MediaWatching = {},
): Effect.Effect<MediaRelayShape | undefined, MediaNotConfigured | ListenFailed, Datagrams | Entropy | Scope.Scope> =>
  Effect.gen(function* () {
    const { relay, inside, outside, insideSpeaks, callsMax, rtpengine, interfaces } = config;
    if (relay === "none") return undefined;
    if (relay === "rtpengine") {
      const [insideName, outsideName, ...more] = interfaces;
      if (rtpengine.length === 0) return yield* missing("rtpengine", "no rtpengine is named");
      if (more.length > 0 || (insideName !== undefined && outsideName === undefined))
        return yield* missing("interfaces", "are two, or none");
      const named =
        insideName === undefined || outsideName === undefined
          ? {}
          : { interfaces: { inside: insideName, outside: outsideName } };
      return yield* openRtpengineRelay({
        servers: rtpengine,
        insideSpeaks,
        callsMax,
        privateOutside: config.outsidePrivate,
        ...named,
      });
    }
    if (inside.length === 0) return yield* missing("inside", "no address for telephones is named");
    if (outside.length === 0) return yield* missing("outside", "no address for other companies is named");
    const ports = rangeOf(config.ports);
    if (ports === undefined) return yield* missing("ports", "are not four or more ports, the lowest first");
    const { outsidePrivate: privateOutside, insideFromAnywhere: trustsInside } = config;
    return yield* openEmbeddedRelay({
      inside,
      outside,
      ports,
      insideSpeaks,
      callsMax,
      privateOutside,
      trustsInside,
      ...watching,
    });
  });
