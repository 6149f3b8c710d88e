/** `vipr.toml`, the one configuration of a company's programs: read, checked, shown. docs/configuration.md lists its keys. */
export type { SipAddress, Transport } from "./addresses.ts";
export { type ConfigFault, faultText } from "./faults.ts";
export { allowsDomain, allowsNumber, type Lists } from "./lists.ts";
export { rangeOf } from "./media.ts";
export { type ConfigReading, type ConfigSource, type Configuration, FILE_CHARS_MAX, readConfig } from "./read.ts";
export { rootKeys, type TrunkConfig, tables, type ViprConfig } from "./schema.ts";
export { WAIT_MAX_S, WAIT_MIN_S } from "./server-check.ts";
export { type ShownValue, shownValues, tomlText } from "./show.ts";
export { trunkKeys } from "./trunks.ts";
