/** `vipr server`: a company's ViPR server; and who may speak to it, and whom it grants tickets for. */
import { existsSync } from "node:fs";
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { PVP_GROUPS, type PvpGroupBits } from "../../codecs/validation/mod.ts";
import { REQUIRED_BITS, REQUIRED_BITS_MAX } from "../../machines/vipr/mod.ts";
import { postgresAddress } from "../store/postgres-url.ts";
import { CONFIG_FILE, CONFIG_HELP, configOptions, loadConfig, missing, serverData } from "./config-file.ts";
import type { Stopped } from "./exit.ts";
import { namedFolder, openFolder } from "./folder.ts";
import { configured, LOG_HELP, logOf } from "./log-options.ts";
import type { MemberSettings } from "./member.ts";
import { dataOf, IDENTITY_HELP, MEMBER_CODES, MEMBER_OPTIONS, memberOf } from "./member-options.ts";
import { addressOf, command, isLoopback, type ValuesOf, Wrong, wholeOf } from "./options.ts";
import { isEveryAddress, ownAddress } from "./own-address.ts";
import { ADMIN_PORT, PVP_PORT, RELOAD_PORT, VAP_PORT } from "./ports.ts";
import { runCommand } from "./run.ts";
import type { ServerSettings } from "./serve-server.ts";
import { configuredServer } from "./server-config.ts";
import { SERVER_ORDERS } from "./server-help.ts";
import { overFile } from "./server-keys.ts";
import { serverOrder } from "./server-orders.ts";

const WAIT_S_MAX = 604_800;
const GRACE_S_MAX = 86_400;

const HELP = `vipr server: a company's ViPR server: a node of the overlay that call agents tell of their calls (VAP),
and that proves calls to other companies' servers (PVP)

usage: vipr server --data DIR --authority https://HOST:8443 --fingerprint sha256:... --user NAME
       vipr server --data DIR                      (when it has enrolled)
       vipr server --config vipr.toml              ([server] has every option as a key)
       vipr server add-agent|remove-agent NAME --data DIR
       vipr server agents --data DIR
       vipr server add-domain DOMAIN [--private|--public] [--new-secret] --data DIR
       vipr server remove-domain|domain-secret DOMAIN --data DIR
       vipr server domains --data DIR
       vipr server add-tenant|remove-tenant TENANT --data DIR
       vipr server tenants --data DIR

  --data DIR            where this server keeps what it has; made if missing, for this user alone
${CONFIG_HELP}
${IDENTITY_HELP}
  --listen HOST:PORT    RELOAD, an address of this machine (default 0.0.0.0:${RELOAD_PORT})
  --advertise HOST:PORT where other nodes reach it, if that is another address
  --pvp HOST:PORT       validations (default 0.0.0.0:${PVP_PORT})
  --advertise-pvp HOST:PORT  where other servers reach PVP, if that is another address
  --pvp-group BITS      of SRP in validations: 2048, 3072 or 4096 (default 2048); more costs both sides more
  --vap HOST:PORT       call agents (default 127.0.0.1:${VAP_PORT}); elsewhere than on loopback over TLS
  --insecure-vap        there in plain TCP: whoever listens reads numbers and calls
  --admin HOST:PORT     where vipr ring and vipr explain ask, on this machine only (default
                        127.0.0.1:${ADMIN_PORT}); port 0 takes a free one, none opens none
  --required-bits N     what the proofs of a route are worth at least, 1 to ${REQUIRED_BITS_MAX} (default ${REQUIRED_BITS})
  --wait MIN-MAX        seconds from a call to its validation, drawn in between (default 30 up to what
                        the overlay says, a day)
  --grace SECONDS       how long calls that are due at the start wait for the call agents to come back
                        (default 300)
  --private             add-domain: its calls are proved by method C, which shows claimants no number
  --public              add-domain: a private domain is so no more; without either it stays what it was
  --new-secret          add-domain: another secret under the next epoch; border elements must be told
  --store URL           what it keeps goes into that PostgreSQL, as postgres://vipr@db.example/vipr;
                        into a file in DIR without it
  --store-password-file FILE  its password, the first line; else PGPASSWORD or the password file of libpq
${LOG_HELP}
  --help                this text

add-agent asks for the password, or takes it from --password-file. What is added or removed counts a
second later, also while the server runs. domain-secret prints what the domain's border element needs.

The log goes to standard error, a line an event; it holds no password and no whole telephone number.
SIGTERM and SIGINT end the server politely: others get what it holds, then 0 is the exit code.

${MEMBER_CODES}
`;

const OPTIONS = {
  ...configOptions,
  ...MEMBER_OPTIONS,
  vap: { type: "string" },
  "insecure-vap": { type: "boolean", default: false },
  pvp: { type: "string" },
  "advertise-pvp": { type: "string" },
  "pvp-group": { type: "string" },
  "required-bits": { type: "string" },
  wait: { type: "string" },
  grace: { type: "string" },
  store: { type: "string" },
  "store-password-file": { type: "string" },
  private: { type: "boolean", default: false },
  public: { type: "boolean", default: false },
  "new-secret": { type: "boolean", default: false },
  tenant: { type: "string" },
  share: { type: "string" },
} as const;
type Values = ValuesOf<typeof OPTIONS>;

export const serverCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(
    { name: "vipr server", help: HELP, orders: SERVER_ORDERS, options: OPTIONS, words: [0, 2] },
    args,
    async (values, [order, name]) => {
      const run = { name: "vipr server", log: logOf(values) };
      const { private: toPrivate, public: toPublic, "new-secret": isNewSecret, "password-file": passwordFile } = values;
      if ((toPrivate || toPublic || isNewSecret) && order !== "add-domain")
        throw new Wrong("--private, --public and --new-secret belong to add-domain");
      if ((values.tenant ?? values.share) !== undefined && order === undefined)
        throw new Wrong("--tenant and --share belong to orders: add-agent, add-domain, add-tenant");
      if (toPrivate && toPublic) throw new Wrong("--private and --public exclude one another");
      const isPrivate = toPrivate ? true : toPublic ? false : undefined;
      if (order !== undefined) {
        const { tenant, share } = values;
        const obey = serverOrder(order, name, { passwordFile, isPrivate, isNewSecret, tenant, share });
        return await runCommand(
          run,
          Effect.flatMap(Effect.flatMap(dataFor(values), order.startsWith("add-") ? openFolder : namedFolder), obey),
        );
      }
      const flags = { config: values.config, set: overFile(values), verbose: values.verbose, log: values.log };
      const again = Effect.map(loadConfig(flags), ({ config }) => config.server);
      const byOptions = isConfigured(values) ? undefined : settingsOf(values);
      const [{ serveServer }, { nodeLayer }] = await Promise.all([import("./serve-server.ts"), import("../node.ts")]);
      const program =
        byOptions === undefined
          ? configured(flags, ({ config }) =>
              Effect.flatMap(configuredServer(config), (settings) => serveServer({ ...settings, again })),
            )
          : serveServer(byOptions);
      return await runCommand(run, Effect.provide(program, nodeLayer()));
    },
  );

/** By options alone as long as they say where its data are; else by `vipr.toml`, and options over it. */
const isConfigured = ({ config, set, data }: Values): boolean =>
  config !== undefined || set !== undefined || (data === undefined && existsSync(CONFIG_FILE));

const dataFor = (values: Values): Effect.Effect<string, Stopped> =>
  isConfigured(values) && values.data === undefined
    ? Effect.flatMap(loadConfig(values), ({ config }) => {
        const data = serverData(config);
        return data === undefined
          ? Effect.fail(missing("data", "the directory of this company's programs"))
          : Effect.succeed(data);
      })
    : Effect.succeed(dataOf(values));

const settingsOf = (values: Values): ServerSettings => {
  const member = memberOf(values);
  const vap = addressOf(values.vap ?? `127.0.0.1:${VAP_PORT}`, "vap", VAP_PORT);
  const pvp = addressOf(values.pvp ?? `0.0.0.0:${PVP_PORT}`, "pvp", PVP_PORT);
  const { "required-bits": bits, wait, grace } = values;
  return {
    ...member,
    vap,
    vapOver: isLoopback(vap.host) ? "loopback" : values["insecure-vap"] ? "plain" : "tls",
    pvp,
    advertisePvp: advertisePvpOf(values["advertise-pvp"], pvp, member),
    pvpGroup: values["pvp-group"] === undefined ? undefined : groupOf(values["pvp-group"]),
    requiredBits: bits === undefined ? undefined : wholeOf(bits, "required-bits", 1, REQUIRED_BITS_MAX),
    waitBetweenMs: wait === undefined ? undefined : waitOf(wait),
    graceMs: grace === undefined ? undefined : 1_000 * wholeOf(grace, "grace", 0, GRACE_S_MAX),
    store: values.store === undefined ? undefined : storeOf(values.store, values["store-password-file"]),
    agents: {},
    domains: [],
  };
};

/** Said, else where the node is reached. Port 0: the one that PVP's listener takes. */
const advertisePvpOf = (text: string | undefined, pvp: Endpoint, node: MemberSettings): Endpoint | undefined => {
  if (text !== undefined) return addressOf(text, "advertise-pvp", pvp.port);
  if (!isEveryAddress(pvp.host)) return undefined;
  const host = node.advertise?.host ?? ownAddress(node.listen.host);
  if (host === undefined)
    throw new Wrong(`--pvp ${pvp.host} is every address: --advertise-pvp must say where others reach it`);
  return { host, port: pvp.port };
};

const storeOf = (url: string, passwordFile: string | undefined) => {
  const address = postgresAddress(url);
  if (typeof address === "string") throw new Wrong(`--store ${address}`);
  return { address, passwordFile };
};

const groupOf = (text: string): PvpGroupBits => {
  const group = PVP_GROUPS.find((bits) => String(bits) === text);
  if (group === undefined) throw new Wrong(`--pvp-group wants ${PVP_GROUPS.join(", ")}, not "${text}"`);
  return group;
};

const waitOf = (text: string): readonly [min: number, max: number] => {
  const [, min = "", max = ""] = /^(\d{1,6})-(\d{1,6})$/.exec(text) ?? [];
  const between = [Number(min), Number(max)] as const;
  if (!(between[0] >= 1 && between[0] <= between[1] && between[1] <= WAIT_S_MAX))
    throw new Wrong(`--wait wants seconds, as 30-3600, up to ${WAIT_S_MAX}, not "${text}"`);
  return [1_000 * between[0], 1_000 * between[1]];
};
