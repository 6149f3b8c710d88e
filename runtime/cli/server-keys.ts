/** The options of `vipr server` as keys of `vipr.toml`, where both are given: an option stands over the file. DECISIONS.md D-220. */

/** Each option with its key in `[server]`. `--wait` is two. */
const KEYS = {
  data: "data",
  authority: "authority",
  fingerprint: "fingerprint",
  root: "root-file",
  name: "name",
  user: "user",
  "password-file": "password-file",
  listen: "listen",
  advertise: "advertise",
  pvp: "pvp",
  "advertise-pvp": "advertise-pvp",
  "pvp-group": "pvp-group",
  vap: "vap",
  "insecure-vap": "insecure-vap",
  admin: "admin",
  "required-bits": "required-bits",
  grace: "grace-s",
  store: "store",
  "store-password-file": "store-password-file",
} as const;

export interface ServerFlags extends Partial<Readonly<Record<keyof typeof KEYS, string | boolean>>> {
  readonly wait?: string | undefined;
  readonly set?: ReadonlyArray<string> | undefined;
}

/** As `--set` would have them, those of `--set` last. */
export const overFile = (flags: ServerFlags): ReadonlyArray<string> => {
  const given = Object.entries(KEYS).flatMap(([option, key]) => {
    const value = flags[option as keyof typeof KEYS];
    return value === undefined || value === false ? [] : [`server.${key}=${value}`];
  });
  const [min, ...max] = flags.wait?.split("-") ?? [];
  const wait = min === undefined ? [] : [`server.wait-min-s=${min}`, `server.wait-max-s=${max.join("-")}`];
  return [...given, ...wait, ...(flags.set ?? [])];
};
