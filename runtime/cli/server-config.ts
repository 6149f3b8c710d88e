/** `[server]` of `vipr.toml` as the settings of a ViPR server. */
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { type ViprConfig, WAIT_MAX_S, WAIT_MIN_S } from "../config/mod.ts";
import { pagesOf } from "../page/programs.ts";
import { anchorOf, authorityOf } from "./anchor.ts";
import { missing, serverData } from "./config-file.ts";
import { type Stopped, stopped } from "./exit.ts";
import { isLoopback, Wrong } from "./options.ts";
import { isEveryAddress, ownAddress } from "./own-address.ts";
import { ADMIN_PORT, PVP_PORT, RELOAD_PORT, VAP_PORT } from "./ports.ts";
import type { ServerSettings } from "./serve-server.ts";
import { clusterCredentials } from "./sip-credentials.ts";
import { fingerprintText } from "./trust.ts";

const EVERY = "0.0.0.0";
const LOOPBACK = "127.0.0.1";

/** Of `vipr server`: call agents connect from this machine, or over TLS from others. */
export const configuredServer = Effect.fn("server.configured")(function* (
  config: ViprConfig,
): Effect.fn.Return<ServerSettings, Stopped> {
  const { server } = config;
  const data = serverData(config) ?? (yield* missing("data", "the directory of this company's programs"));
  const vap = server.vap ?? { host: LOOPBACK, port: VAP_PORT };
  const { admin = { host: LOOPBACK, port: ADMIN_PORT } } = server;
  const listen = server.listen ?? { host: EVERY, port: RELOAD_PORT };
  const pvp = server.pvp ?? { host: EVERY, port: PVP_PORT };
  const cluster = yield* clusterOf(config);
  return {
    data,
    page: pagesOf(config),
    ...(yield* whomToTrust(config)),
    name: server.name ?? config.vap.overlay,
    user: server.user,
    passwordFile: server.passwordFile,
    listen,
    advertise: yield* reachedAt("server.advertise", listen, server.advertise),
    admin: admin === "none" ? undefined : admin,
    vap,
    vapOver: isLoopback(vap.host) ? "loopback" : server.insecureVap ? "plain" : "tls",
    pvp,
    advertisePvp: yield* reachedAt("server.advertise-pvp", pvp, server.advertisePvp ?? hostOf(server.advertise, pvp)),
    pvpGroup: server.pvpGroup,
    requiredBits: server.requiredBits,
    waitBetweenMs: waitOf(server),
    store:
      server.store === undefined
        ? undefined
        : { address: server.store, passwordFile: server.storePasswordFile, cluster: cluster?.name },
    cluster,
    graceMs: server.graceS === undefined ? undefined : 1_000 * server.graceS,
    agents: server.agents,
    domains: server.domains,
    otlp: config.trace.otlp,
  };
});

/** Of `vipr company`, whose call agent is in this process. */
export const companyServer = (config: ViprConfig): Effect.Effect<ServerSettings, Stopped> =>
  Effect.flatMap(configuredServer(config), (settings) =>
    settings.vapOver === "loopback"
      ? Effect.succeed(settings)
      : stopped(
          "usage",
          "server.vap wants an address of this machine, as 127.0.0.1: other call agents want vipr server",
        ),
  );

/** Its name is that of its roots: whoever has others is a stranger in its store. */
const clusterOf = Effect.fnUntraced(function* (
  config: ViprConfig,
): Effect.fn.Return<ServerSettings["cluster"], Stopped> {
  const { cluster, clusterListen } = config.server;
  if (cluster === undefined) return undefined;
  const credentials = yield* clusterCredentials(config);
  const name = credentials.roots.map(fingerprintText).toSorted().join(" ");
  return { name, credentials, advertise: cluster, listen: clusterListen ?? cluster };
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

const waitOf = ({ waitMinS, waitMaxS }: ViprConfig["server"]) =>
  waitMinS === undefined && waitMaxS === undefined
    ? undefined
    : ([1_000 * (waitMinS ?? WAIT_MIN_S), 1_000 * (waitMaxS ?? WAIT_MAX_S)] as const);
