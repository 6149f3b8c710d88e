/** `vipr server`: a company's ViPR server; and who may speak to it, and whom it grants tickets for. */
import { existsSync } from "node:fs";
import { Effect } from "effect";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { PVP_GROUPS, type PvpGroupBits } from "../../codecs/validation/mod.ts";
import { REQUIRED_BITS_MAX } from "../../machines/vipr/mod.ts";
import { serverTable } from "../command/tables/server.ts";
import { postgresAddress } from "../store/postgres-url.ts";
import { CONFIG_FILE, loadConfig, missing, serverData } from "./config-file.ts";
import type { Stopped } from "./exit.ts";
import { namedFolder, openFolder } from "./folder.ts";
import { configured, logOf } from "./log-options.ts";
import type { MemberSettings } from "./member.ts";
import { dataOf, memberOf } from "./member-options.ts";
import { addressOf, command, isLoopback, type ValuesOf, Wrong, wholeOf } from "./options.ts";
import { isEveryAddress, ownAddress } from "./own-address.ts";
import { PVP_PORT, VAP_PORT } from "./ports.ts";
import { runCommand } from "./run.ts";
import type { ServerSettings } from "./serve-server.ts";
import { configuredServer } from "./server-config.ts";
import { overFile } from "./server-keys.ts";
import { serverOrder } from "./server-orders.ts";

const WAIT_S_MAX = 604_800;
const GRACE_S_MAX = 86_400;

type Values = ValuesOf<typeof serverTable.options>;

export const serverCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(serverTable, args, async (values, [order, name]) => {
    const run = { name: "vipr server", log: logOf(values) };
    const { private: toPrivate, public: toPublic, "new-secret": isNewSecret, "password-file": passwordFile } = values;
    if ((toPrivate || toPublic || isNewSecret) && order !== "add-domain")
      throw new Wrong("--private, --public and --new-secret belong to add-domain");
    if ((values.tenant ?? values.share) !== undefined && order === undefined)
      throw new Wrong("--tenant and --share belong to orders: add-agent, add-domain, add-tenant");
    if (toPrivate && toPublic) throw new Wrong("--private and --public exclude one another");
    const isPrivate = toPrivate ? true : toPublic ? false : undefined;
    if (order !== undefined) {
      const { tenant, share, json } = values;
      const obey = serverOrder(order, name, { passwordFile, isPrivate, isNewSecret, tenant, share, json });
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
  });

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
