/** `[server]` of `vipr.toml` as the settings of a ViPR server. */
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { ViprConfig } from "../config/mod.ts";
import { anchorOf, authorityOf } from "./anchor.ts";
import { missing, serverData } from "./config-file.ts";
import { type Stopped, stopped } from "./exit.ts";
import { isLoopback, Wrong } from "./options.ts";
import { isEveryAddress, ownAddress } from "./own-address.ts";
import { ADMIN_PORT, PVP_PORT, RELOAD_PORT, VAP_PORT } from "./ports.ts";
import type { ServerSettings } from "./serve-server.ts";

const EVERY = "0.0.0.0";
const LOOPBACK = "127.0.0.1";
/** What validations wait at least, where only the other end of the range is given. */
const WAIT_MIN_S = 30;
const WAIT_MAX_S = 86_400;

/** Call agents are on this machine: VAP is spoken in plain TCP on the loopback. */
export const configuredServer = Effect.fn("server.configured")(function* (
  config: ViprConfig,
): Effect.fn.Return<ServerSettings, Stopped> {
  const { server } = config;
  const data = serverData(config) ?? (yield* missing("data", "the directory of this company's programs"));
  const vap = server.vap ?? { host: LOOPBACK, port: VAP_PORT };
  const admin = server.admin ?? { host: LOOPBACK, port: ADMIN_PORT };
  for (const [key, { host }] of [
    ["server.vap", vap],
    ["server.admin", admin],
  ] as const)
    if (!isLoopback(host)) return yield* stopped("usage", `${key} wants an address of this machine, as 127.0.0.1`);
  const listen = server.listen ?? { host: EVERY, port: RELOAD_PORT };
  const pvp = server.pvp ?? { host: EVERY, port: PVP_PORT };
  return {
    data,
    ...(yield* whomToTrust(config)),
    name: config.vap.overlay,
    user: server.user,
    passwordFile: server.passwordFile,
    listen,
    advertise: yield* reachedAt("server.advertise", listen, server.advertise),
    admin,
    vap,
    vapOver: "loopback",
    pvp,
    advertisePvp: yield* reachedAt("server.advertise-pvp", pvp, server.advertisePvp ?? hostOf(server.advertise, pvp)),
    pvpGroup: undefined,
    requiredBits: server.requiredBits,
    waitBetweenMs: yield* waitOf(server),
    graceMs: undefined,
  };
});

const whomToTrust = ({ server }: ViprConfig) =>
  Effect.try({
    try: () => ({
      authority: server.authority === undefined ? undefined : authorityOf(server.authority),
      anchor:
        server.rootFile === undefined && server.fingerprint === undefined
          ? undefined
          : anchorOf(server.rootFile, server.fingerprint),
    }),
    catch: (cause) => {
      if (cause instanceof Wrong) return stopped("usage", `[server]: ${cause.message}`);
      throw cause;
    },
  });

const hostOf = (at: Endpoint | undefined, { port }: Endpoint) => at && { host: at.host, port };

/** Undefined: where it listens. Others are told an address, so that one of every address must be known. */
const reachedAt = Effect.fnUntraced(function* (key: string, listen: Endpoint, told: Endpoint | undefined) {
  if (told !== undefined || !isEveryAddress(listen.host)) return told;
  const host = ownAddress(listen.host);
  return host === undefined
    ? yield* missing(key, "this machine has several addresses; which one do others reach?")
    : { host, port: listen.port };
});

const waitOf = Effect.fnUntraced(function* ({ waitMinS, waitMaxS }: ViprConfig["server"]) {
  if (waitMinS === undefined && waitMaxS === undefined) return undefined;
  const [min, max] = [waitMinS ?? WAIT_MIN_S, waitMaxS ?? WAIT_MAX_S];
  if (min > max) return yield* stopped("usage", `server.wait-min-s: ${min} s is more than server.wait-max-s, ${max} s`);
  return [1_000 * min, 1_000 * max] as const;
});
