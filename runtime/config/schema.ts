/** `vipr.toml` whole: its tables, their schema, and the type of what is read. */
import { Schema } from "effect";
import { agentKeys } from "./agent.ts";
import { borderKeys } from "./border.ts";
import { fallbackKeys } from "./fallback.ts";
import { camel, type Keys, key, like, type TableOf, text } from "./key.ts";
import { listsKeys } from "./lists.ts";
import { logKeys } from "./log.ts";
import { mediaKeys } from "./media.ts";
import { numbersKeys } from "./numbers.ts";
import { recordsKeys } from "./records.ts";
import { routeKeys } from "./route.ts";
import { serverKeys } from "./server.ts";
import { traceKeys } from "./trace.ts";
import { trunkKeys } from "./trunks.ts";
import { vapKeys } from "./vap.ts";

export const rootKeys = {
  domain: key(
    like(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i, 'a domain, as "acme.example"'),
    "the company's, of its SIP addresses and its account",
  ),
  data: key(
    text("the path of a directory"),
    "under which each program has a directory of its own: server, agent, border",
  ),
} as const;

/** In the order in which they are shown. */
export const tables = {
  server: serverKeys,
  vap: vapKeys,
  numbers: numbersKeys,
  records: recordsKeys,
  lists: listsKeys,
  agent: agentKeys,
  border: borderKeys,
  route: routeKeys,
  media: mediaKeys,
  fallback: fallbackKeys,
  log: logKeys,
  trace: traceKeys,
} as const;

export const TRUNKS_MAX = 1_000;

/** All of a company's programs. Each takes what it needs of it. */
export type ViprConfig = TableOf<typeof rootKeys> & {
  readonly [T in keyof typeof tables]: TableOf<(typeof tables)[T]>;
} & { readonly trunk: ReadonlyArray<TrunkConfig> };

export type TrunkConfig = Omit<TableOf<typeof trunkKeys>, "name"> & { readonly name: string };

const fieldsOf = (keys: Keys) =>
  Object.fromEntries(Object.entries(keys).map(([name, { kind }]) => [name, Schema.optionalKey(kind.schema)]));

const trunkSchema = Schema.Struct({ ...fieldsOf(trunkKeys), name: trunkKeys.name.kind.schema });

export const configSchema = Schema.Struct({
  ...fieldsOf(rootKeys),
  ...Object.fromEntries(
    Object.entries(tables).map(([name, keys]) => [name, Schema.optionalKey(Schema.Struct(fieldsOf(keys)))]),
  ),
  trunk: Schema.optionalKey(Schema.Array(trunkSchema).check(Schema.isMaxLength(TRUNKS_MAX))),
});

type Decoded = Readonly<Record<string, unknown>>;

/** What was read, with what holds where nothing was said. */
export const completed = (read: Decoded): ViprConfig => {
  const rest = Object.entries(tables).map(([name, keys]) => [name, tableOf(keys, (read[name] ?? {}) as Decoded)]);
  const trunk = ((read.trunk ?? []) as ReadonlyArray<Decoded>).map((one) => tableOf(trunkKeys, one));
  return { ...tableOf(rootKeys, read), ...Object.fromEntries(rest), trunk } as unknown as ViprConfig;
};

const tableOf = (keys: Keys, read: Decoded): Decoded =>
  Object.fromEntries(Object.entries(keys).map(([name, { initial }]) => [camel(name), read[name] ?? initial]));

/** The keys that may stand at a path: of the whole, of a table, of a trunk. */
export const keysAt = (path: ReadonlyArray<PropertyKey>): Keys | undefined => {
  const [table] = path;
  if (table === undefined) return rootKeys;
  if (table === "trunk") return trunkKeys;
  return Object.hasOwn(tables, table) ? tables[table as keyof typeof tables] : undefined;
};

export const TABLE_NAMES: ReadonlyArray<string> = [...Object.keys(tables), "trunk"];
