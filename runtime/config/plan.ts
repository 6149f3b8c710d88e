/** The dial plan of a configuration, with its mistakes put back to the keys of the file; and names that must not repeat. */
import { type DialPlan, dialPlan, type PlanError } from "../../codecs/numbers/mod.ts";
import { type Finding, shownValue } from "./faults.ts";
import type { Path } from "./places.ts";
import type { ViprConfig } from "./schema.ts";

export interface PlanFromConfig {
  readonly plan?: DialPlan | undefined;
  readonly findings: ReadonlyArray<Finding>;
}

export const planFrom = (config: ViprConfig): PlanFromConfig => {
  const { numbers, trunk } = config;
  const twice = repeated(config);
  if (twice.length > 0) return { findings: twice };
  const { plan, errors = [] } = dialPlan({
    country: numbers.country,
    area: numbers.area,
    outside: numbers.outside,
    international: numbers.international,
    nationalPrefix: numbers.nationalPrefix,
    own: numbers.own,
    extensions: numbers.extensions,
    dids: numbers.dids,
    neverLeaves: numbers.neverLeave,
    folds: numbers.fold,
    trunks: Object.fromEntries(
      trunk.map(({ name, plus, national, digitsToNumber }) => [name, { plus, national, digitsToNumber }]),
    ),
  });
  return { plan, findings: errors.map((error) => findingOf(error, config)) };
};

const NAMES: Readonly<Record<string, string>> = {
  nationalPrefix: "national-prefix",
  neverLeaves: "never-leave",
  folds: "fold",
};

const findingOf = ({ path, found, want }: PlanError, { trunk }: ViprConfig): Finding => {
  const [first, ...rest] = path as readonly [string, ...Path];
  const at: Path =
    first === "trunks"
      ? ["trunk", trunk.findIndex(({ name }) => name === rest[0]), "digits-to-number", ...rest.slice(2)]
      : ["numbers", NAMES[first] ?? first, ...rest];
  return { path: at, what: "value", why: `wants ${want}, not ${shownValue(at, found)}` };
};

const repeated = ({ trunk }: ViprConfig): ReadonlyArray<Finding> => {
  const first = new Map<string, number>();
  return trunk.flatMap(({ name }, i) => {
    const before = first.get(name);
    if (before === undefined) first.set(name, i);
    return before === undefined
      ? []
      : [
          {
            path: ["trunk", i, "name"],
            what: "value" as const,
            why: `wants a name of its own: trunk[${before}] is "${name}" too`,
          },
        ];
  });
};
