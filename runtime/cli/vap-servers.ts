/**
 * The company's ViPR servers as `vipr.toml` names them: sessions with the primary and the backup, and what is published there.
 *
 *   vap.* --> connectVap, once or twice --> openServers
 *   data directory --> the VServiceID and the user part of our SIP URI, drawn once
 */
import { Clock, Effect, type Scope } from "effect";
import { type NamedServer, openServers, type PublishProgress, type Servers } from "../../actors/agent/mod.ts";
import type { Credentials, Dialer, Entropy, Keys, StoreFailed, StoreShape } from "../../actors/ports/mod.ts";
import { connectVap } from "../../actors/vap/mod.ts";
import { countNumbers, type DialPlan, listOf, listWithout } from "../../codecs/numbers/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { bigOf, bytesOfBig, hexOf, utf8, type VServiceId, vserviceId } from "../../codecs/shared/mod.ts";
import { type ValInfo, type VService, writeVService } from "../../codecs/vap/mod.ts";
import { NUMBERS_MAX } from "../../machines/vap/mod.ts";
import { makeAuthority } from "../authority.ts";
import type { Configuration, ViprConfig } from "../config/mod.ts";
import { missing, vapPassword } from "./config-file.ts";
import { fileStopped, type Stopped, stopped } from "./exit.ts";
import { credentialsUnder } from "./own-authority.ts";
import { readRoots } from "./sip-credentials.ts";

/** What this company is in VAP; the same after a restart. */
export interface OwnService {
  readonly vservice: VServiceId;
  /** Of our SIP URI: it tells nobody who we are. */
  readonly user: string;
}

const TABLE = "agent";
const USER_BYTES = 8;

/** Drawn at the first start, and kept. */
export const ownService = Effect.fn("agent.ownService")(function* (
  store: StoreShape,
  entropy: { readonly bytes: (size: number) => Effect.Effect<Uint8Array> },
  { vap }: ViprConfig,
): Effect.fn.Return<OwnService, StoreFailed> {
  const kept = Effect.fnUntraced(function* (name: string, make: Effect.Effect<Uint8Array>) {
    const key = utf8(name);
    const before = yield* store.read(TABLE, key);
    if (before !== undefined) return before;
    const value = yield* make;
    yield* store.write([{ type: "put", table: TABLE, key, value }]);
    return value;
  });
  const user = hexOf(yield* kept("user", entropy.bytes(USER_BYTES)));
  if (vap.vservice !== undefined) return { vservice: vserviceId(BigInt(`0x${vap.vservice}`)), user };
  return { vservice: vserviceId(bigOf(yield* kept("vservice", entropy.bytes(8)))), user };
});

export interface VapServers extends Servers {
  readonly service: OwnService;
  /** The VService, and each number that others shall find us by. */
  readonly publishAll: (progress: (of: PublishProgress) => Effect.Effect<void>) => Effect.Effect<void, Stopped>;
  readonly numbers: number;
  /** The VService and the numbers as that configuration has them, published in place of those before. */
  readonly publishAgain: (
    configuration: Configuration,
    progress: (of: PublishProgress) => Effect.Effect<void>,
  ) => Effect.Effect<{ readonly added: number; readonly removed: number }, Stopped>;
}

/** Which servers, and as whom. */
export interface VapAccount {
  readonly primary: Endpoint;
  readonly backup: Endpoint | undefined;
  readonly username: string;
  readonly password: string;
  /** Undefined: plain TCP, on this machine. */
  readonly tls: Credentials | undefined;
  /** The overlay's name. */
  readonly overlay: string;
}

/** As `[vap]` has it. */
export const vapAccount = Effect.fnUntraced(function* (
  config: ViprConfig,
): Effect.fn.Return<VapAccount, Stopped, Keys> {
  const { vap } = config;
  return {
    primary: vap.primary ?? (yield* missing("vap.primary", "the ViPR server, host:port")),
    backup: vap.backup,
    username: vap.user ?? (yield* missing("vap.user", "the account there")),
    overlay: vap.overlay ?? (yield* missing("vap.overlay", "the overlay's name, which vipr server prints as DHTname")),
    password: yield* vapPassword(config),
    tls: vap.tls ? yield* vapCredentials(config) : undefined,
  };
});

export interface VapServersOptions {
  readonly account: VapAccount;
  /** For the server's operator. */
  readonly name: string;
  /** Stores what a Notify has brought. Default: it is not stored, and answered. */
  readonly learn?: (info: ValInfo) => Effect.Effect<boolean>;
}

/** Sessions until the scope closes; they connect in the background. */
export const openVapServers = Effect.fn("agent.vapServers")(function* (
  { config, plan }: Configuration,
  service: OwnService,
  options: VapServersOptions,
): Effect.fn.Return<VapServers, Stopped, Dialer | Entropy | Keys | Scope.Scope> {
  const { primary, backup, username, password, tls, overlay } = options.account;
  const document = yield* documentOf(config, plan, service, overlay);
  const { vservice } = service;
  const { name, learn = () => Effect.succeed(true) } = options;
  const open = (what: string, at: Endpoint) =>
    Effect.map(
      connectVap({ ...at, ...(tls && { tls }), username, password, name, vservice, learn }),
      (client): NamedServer => ({ name: `${what} ${at.host}:${at.port}`, client }),
    );
  const servers = yield* openServers(
    yield* open("primary", primary),
    backup === undefined ? undefined : yield* open("backup", backup),
  );
  const rangesOf = (of: DialPlan) => (config.agent.public === undefined ? [] : of.own);
  const numbers = listOf(rangesOf(plan));
  let published = rangesOf(plan);
  return {
    ...servers,
    service,
    numbers: numbers.count,
    publishAll: (progress) =>
      Effect.mapError(servers.publish(document, numbers, progress), ({ reason, why }) =>
        stopped("refused", `the ViPR server refuses the VService: ${reason}, ${why}`),
      ),
    publishAgain: Effect.fnUntraced(function* (now, progress) {
      const wanted = rangesOf(now.plan);
      const [added, removed] = [listWithout(wanted, published), listWithout(published, wanted)];
      // Where, and by which account, we are reached stays as it was at the start.
      const document = yield* documentOf({ ...config, lists: now.config.lists }, now.plan, service, overlay);
      published = wanted;
      yield* servers.unpublish(removed);
      yield* Effect.mapError(servers.publish(document, added, progress), ({ reason, why }) =>
        stopped("refused", `the ViPR server refuses the VService: ${reason}, ${why}`),
      );
      return { added: added.count, removed: removed.count };
    }),
  } satisfies VapServers as VapServers;
});

const documentOf = Effect.fnUntraced(function* (
  { domain, agent, lists }: ViprConfig,
  plan: DialPlan,
  { vservice, user }: OwnService,
  overlay: string,
): Effect.fn.Return<VService, Stopped> {
  if (domain === undefined) return yield* missing("domain", "the company's, as acme.example");
  const didCount = countNumbers(plan.own);
  if (didCount > NUMBERS_MAX)
    return yield* stopped("usage", `numbers.own: ${didCount} numbers, and a session publishes ${NUMBERS_MAX} at most`);
  const { host, port } = agent.public ?? { host: domain, port: 5061 };
  const sipUri = `sip:${user}@${domain}:${port};maddr=${host.includes(":") ? `[${host}]` : host};transport=tls`;
  const list = publishedList(lists);
  const document: VService = {
    id: hexOf(bytesOfBig(vservice, 8)),
    dhtName: overlay,
    didCount,
    domain,
    ...(list === undefined ? {} : { list }),
    routes: [{ sipUris: [sipUri] }],
  };
  writeVService(document); // a fault of ours shows here, and not at the server
  return document;
});

/** Whom we grant no ticket; or the only ones, where there is a white list. A pattern has no form in VAP. */
const publishedList = ({ blackDomains, whiteDomains }: ViprConfig["lists"]): VService["list"] => {
  const named = (domains: ReadonlyArray<string>) => domains.filter((domain) => !domain.startsWith("*."));
  const black = named(blackDomains);
  if (black.length > 0) return { type: "blacklist", domains: black };
  const white = named(whiteDomains);
  return white.length > 0 && white.length === whiteDomains.length ? { type: "whitelist", domains: white } : undefined;
};

/** The server asks for no certificate of ours: what we show is nobody's. */
const vapCredentials = Effect.fnUntraced(function* ({ vap }: ViprConfig): Effect.fn.Return<Credentials, Stopped, Keys> {
  const file =
    vap.caFile ?? (yield* missing("vap.ca-file", "vap-root.pem of the server; or vap.tls = false on loopback"));
  const roots = yield* readRoots(file, "vap.ca-file");
  const nobody = yield* Effect.mapError(
    makeAuthority({ name: "vipr agent", nowMs: yield* Clock.currentTimeMillis }),
    (cause) => fileStopped("vap", cause),
  );
  return { ...(yield* credentialsUnder(nobody, "localhost")), roots };
});
