/**
 * The border element as a process.
 *
 *   other companies == TLS ==> border --SIP--> call agent        token-keys: what its dialogs are sealed with
 *                                |
 *                                +-- media relay: ours, rtpengine, or none
 *   SIGHUP --> vipr.toml, certificates and ticket secrets are read again: what its limits say, and whose tickets count
 */
import { Effect, type Scope } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import { type Border, type BorderOptions, serveBorder } from "../../actors/border/mod.ts";
import { withCaptures } from "../../actors/capture/mod.ts";
import type { MediaRelayShape } from "../../actors/media/mod.ts";
import type { Credentials } from "../../actors/ports/mod.ts";
import type { TicketSecret } from "../../actors/ticket/mod.ts";
import { normalDomain } from "../../codecs/ticket/mod.ts";
import type { Configuration, SipAddress, ViprConfig } from "../config/mod.ts";
import { certificateEnd } from "../metrics/certificates.ts";
import { certificateFamily } from "../metrics/process.ts";
import type { Ports } from "../node.ts";
import { openBorderAdmin } from "./border-admin.ts";
import { sayCertificate, watchCertificate } from "./certificate-end.ts";
import { borderData, missing } from "./config-file.ts";
import { listenStopped, type Stopped, stopped } from "./exit.ts";
import { openBorderRelay } from "./fallback.ts";
import { openFolder } from "./folder.ts";
import { atHangUp, surviveHangUp } from "./hangup.ts";
import { say } from "./output.ts";
import { warnOfOthers } from "./read-again.ts";
import { noteReady } from "./service.ts";
import { borderCredentials } from "./sip-credentials.ts";
import { readTicketSecrets } from "./ticket-secrets.ts";
import { openTokenKeys } from "./token-keys.ts";

const INSIDE: SipAddress = { transport: "tcp", host: "127.0.0.1", port: 5_064 };

/** What `vipr company` knows without the configuration. */
export interface BorderSettings {
  /** Read at the start and at each SIGHUP. Default: border.secrets-file. */
  readonly secrets?: Effect.Effect<ReadonlyArray<TicketSecret>, Stopped>;
  /** Read again so often, too. */
  readonly lookMs?: number;
  /** Default: border.call-agents, else agent.listen. */
  readonly callAgents?: BorderOptions["callAgents"];
  /** Default: as `[media]` has it. */
  readonly relay?: MediaRelayShape | undefined;
  /** Performed once it serves. */
  readonly serving?: Effect.Effect<unknown>;
  /** The configuration as it stands at SIGHUP. Default: as it was at the start. */
  readonly again?: Effect.Effect<Configuration, Stopped>;
}

/** Until it is interrupted. */
export const serveBorderProgram = Effect.fn("border.program")(function* (
  configuration: Configuration,
  settings: BorderSettings = {},
): Effect.fn.Return<void, Stopped, Ports | Scope.Scope> {
  const { config } = configuration;
  yield* surviveHangUp;
  const domain = yield* ownDomain(config);
  const outside = config.border.outside ?? (yield* missing("border.outside", "as 192.0.2.12:5061"));
  const data = borderData(config) ?? (yield* missing("data", "the directory of this company's programs"));
  const callAgents = settings.callAgents ?? (yield* callAgentsOf(config));
  const credentials = yield* borderCredentials(config, domain);
  const readSecrets = (now: ViprConfig) => settings.secrets ?? secretsIn(now, domain);
  const secrets = yield* readSecrets(config);
  const folder = yield* openFolder(data);
  const tokenSecrets = yield* openTokenKeys(folder);
  const relay = settings.relay ?? (yield* openBorderRelay(config));
  const border = yield* serveBorder({
    domain,
    outside: { ...outside, advertise: config.agent.public },
    credentials,
    inside: insideOf(config).map(({ transport, ...at }) => ({ ...at, transport: upper(transport) })),
    callAgents,
    secrets,
    tokenSecrets,
    onReject: config.border.onReject,
    hidesCallIds: config.border.hideCallIds,
    privateOutside: config.border.outsidePrivate,
    ...(relay === undefined ? {} : { relay }),
    limits: limitsOf(config),
  }).pipe(
    Effect.catchTag("ListenFailed", (failed) =>
      Effect.fail(listenStopped(failed, "border.outside and border.inside take others")),
    ),
  );
  let shown = credentials;
  const admin = yield* openBorderAdmin(folder, configuration, border, relay, () => [
    certificateFamily({ border: certificateEnd(shown) }, Date.now()),
  ]);
  yield* watchCertificate("border", () => shown);
  const using = (next: Credentials) =>
    Effect.suspend(() => {
      shown = next;
      return sayCertificate("border", next);
    });
  const again = settings.again ?? Effect.succeed(configuration);
  yield* atHangUp(readAgain(border, { domain, before: configuration, again, readSecrets, using }));
  if (settings.lookMs !== undefined) yield* followSecrets(border, readSecrets(config), settings.lookMs);
  sayWhere(border, { config, admin, callAgents, secrets });
  yield* settings.serving ?? readyAlone;
  return yield* Effect.never;
}, withCaptures);

const readyAlone = Effect.andThen(
  Effect.sync(() => say("ready")),
  noteReady("serves"),
);

/** Where the border element is reached from inside, in the order in which it listens there. */
export const insideOf = ({ border }: ViprConfig): ReadonlyArray<SipAddress> =>
  border.inside.length === 0 ? [INSIDE] : border.inside;

export const upper = (transport: SipAddress["transport"]) => transport.toUpperCase() as "UDP" | "TCP" | "TLS";

export const ownDomain = Effect.fnUntraced(function* ({ domain }: ViprConfig) {
  if (domain === undefined) return yield* missing("domain", "the company's, as acme.example");
  return normalDomain(domain) ?? (yield* stopped("usage", `domain: ${domain} is no domain name`));
});

const callAgentsOf = Effect.fnUntraced(function* ({ border, agent }: ViprConfig) {
  const named = border.callAgents.length > 0 ? border.callAgents : agent.listen;
  if (named.length === 0) return yield* missing("border.call-agents", 'as ["tcp:127.0.0.1:5060"]');
  return named.map(({ transport, ...at }) => ({ ...at, transport: upper(transport) }));
});

const secretsIn = Effect.fnUntraced(function* ({ border }: ViprConfig, domain: string) {
  const file =
    border.secretsFile ?? (yield* missing("border.secrets-file", "what vipr server domain-secret prints, in a file"));
  const secrets = (yield* readTicketSecrets(file)).get(domain);
  return secrets ?? (yield* stopped("usage", `border.secrets-file: ${file} has no secret of ${domain}`));
});

const limitsOf = ({ border }: ViprConfig): NonNullable<BorderOptions["limits"]> => ({
  callsOfDomain: border.domainCallsMax,
  callsPerSecond: border.domainCallsPerSecondMax,
  connectionsOfDomain: border.domainConnectionsMax,
  calls: border.callsMax,
  bodyBytes: border.bodyBytesMax,
  messageBytes: border.messageBytesMax,
});

/** Keys that count from SIGHUP on. */
const TAKEN = [
  ...["certificate-file", "key-file", "ca-file", "secrets-file", "calls-max", "domain-calls-max"],
  ...["domain-calls-per-second-max", "domain-connections-max", "body-bytes-max", "message-bytes-max"],
].map((key) => `border.${key}`);
const TABLES = ["border", "media", "fallback", "domain", "data", "agent.public"];

interface ReadAgain {
  readonly domain: string;
  readonly before: Configuration;
  readonly again: Effect.Effect<Configuration, Stopped>;
  readonly readSecrets: (config: ViprConfig) => Effect.Effect<ReadonlyArray<TicketSecret>, Stopped>;
  readonly using: (credentials: Credentials) => Effect.Effect<void>;
}

/** What cannot be read leaves everything as it was, and is said; so is what has changed and counts after a restart only. */
const readAgain = (border: Border, { domain, before, again, readSecrets, using }: ReadAgain): Effect.Effect<void> =>
  Effect.gen(function* () {
    const now = yield* again;
    const [credentials, secrets] = [yield* borderCredentials(now.config, domain), yield* readSecrets(now.config)];
    yield* border.useCredentials(credentials);
    yield* using(credentials);
    yield* useSecrets(border, secrets);
    yield* border.useLimits(limitsOf(now.config));
    yield* Effect.logInfo("border.readAgain", { epochs: secrets.map(({ epoch }) => epoch) });
    yield* warnOfOthers("border", before, now, { tables: TABLES, taken: TAKEN });
  }).pipe(Effect.catch(({ why }) => Effect.logError("border.notReadAgain", why)));

/** Tickets of an epoch that is not among them are refused from now on. */
export const useSecrets = Effect.fnUntraced(function* (border: Border, secrets: ReadonlyArray<TicketSecret>) {
  const wanted = new Set(secrets.map(({ epoch }) => epoch));
  for (const { epoch } of border.tickets.epochs()) if (!wanted.has(epoch)) yield* border.tickets.voidEpoch(epoch);
  yield* Effect.forEach(secrets, border.tickets.accept, { discard: true });
});

const followSecrets = (
  border: Border,
  readSecrets: Effect.Effect<ReadonlyArray<TicketSecret>, Stopped>,
  lookMs: number,
) => {
  let seen = "";
  const look = Effect.gen(function* () {
    yield* Effect.sleep(lookMs);
    const secrets = yield* readSecrets;
    const now = secrets.map(({ epoch }) => epoch).join();
    if (now !== seen) yield* useSecrets(border, secrets);
    seen = now;
  });
  const told = Effect.catch(look, ({ why }) => Effect.logError("border.secrets", why));
  return Effect.forkScoped(Effect.forever(told));
};

interface Told {
  readonly config: ViprConfig;
  readonly admin: string;
  readonly callAgents: BorderOptions["callAgents"];
  readonly secrets: ReadonlyArray<TicketSecret>;
}

const sayWhere = (border: Border, { config, admin, callAgents, secrets }: Told): void => {
  const inside = insideOf(config).map(({ transport }, i) => `${transport}:${addressText(border.inside[i]!)}`);
  say(
    [
      `outside  tls:${addressText(border.outside)}`,
      `inside   ${inside.join(" ")}`,
      `agents   ${callAgents.map((at) => `${at.transport.toLowerCase()}:${addressText(at)}`).join(" ")}`,
      `media    ${MEDIA[config.media.relay]}`,
      `epochs   ${secrets.map(({ epoch }) => epoch).join(" ")}`,
      admin,
    ].join("\n"),
  );
};
const MEDIA = { none: "end to end, SRTP only", own: "relayed here", rtpengine: "relayed by rtpengine" } as const;
