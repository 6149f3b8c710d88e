/** The demonstration's flags, read once. */
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { type E164, normalizeE164 } from "../../codecs/shared/mod.ts";
import { loopbackOf, type ValuesOf, Wrong, wholeOf } from "../cli/options.ts";
import { ADMIN_PORT } from "../cli/ports.ts";
import type { demoTable } from "../command/tables/trials.ts";
import { COMPANIES, type DomainPrefixes, readPrefixes } from "./domains.ts";

export interface DemoOptions {
  readonly once: boolean;
  readonly json: boolean;
  readonly verbose: boolean;
  /** The page is shown in the browser at once. */
  readonly open: boolean;
  /** Undefined: the example that comes with the package. */
  readonly calls: string | undefined;
  readonly seed: number | undefined;
  readonly zone: string;
  /** Where vipr ring may ask the overlay's first node; undefined: nowhere. */
  readonly admin: Endpoint | undefined;
  /** Undefined: no trace. */
  readonly trace: string | undefined;
  /** Numbers whose audit reports are printed at the end. */
  readonly explain: ReadonlyArray<E164>;
  /** Where each company's admin port is written down; undefined: none is open. */
  readonly data: string | undefined;
  readonly domains: ReadonlyArray<DomainPrefixes>;
}

/** Throws Wrong. */
export const demoOptions = (values: ValuesOf<typeof demoTable.options>): DemoOptions => {
  const seed = values.seed === undefined ? undefined : wholeOf(values.seed, "seed", 0, Number.MAX_SAFE_INTEGER);
  const domains = (values.domain ?? []).map((text) => {
    const read = readPrefixes(text);
    if (read === undefined) throw new Wrong(`--domain wants name=+prefix[,+prefix], not "${text}"`);
    return read;
  });
  if (domains.length !== 0 && new Set(domains.map(({ domain }) => domain)).size !== COMPANIES)
    throw new Wrong(`--domain: give ${COMPANIES} different domains, or none`);
  const explain = (values.explain ?? []).map((text) => {
    const number = normalizeE164(text);
    if (number === undefined) throw new Wrong(`--explain wants a telephone number, not "${text}"`);
    return number;
  });
  const { once, json, verbose, open, calls, zone, trace, data } = values;
  if (open && once) throw new Wrong("--open: with --once there is no page");
  const admin = values.admin === undefined ? undefined : loopbackOf(values.admin, "admin", ADMIN_PORT);
  return { once, json, verbose, open, calls, seed, zone, trace, admin, explain, data, domains };
};
