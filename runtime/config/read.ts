/**
 * `vipr.toml` and the options over it, read into one `ViprConfig`: or every mistake, with its place.
 *
 *   text --smol-toml--> values --options over them--> Effect's Schema --> dial plan, names --> ViprConfig
 *     |                                                   | mistakes          | mistakes
 *     +--toml-eslint-parser, only then--> places ---------+-------------------+----> file:line:column: key: why
 */
import { Result, Schema } from "effect";
import { parse, TomlError } from "smol-toml";
import type { DialPlan } from "../../codecs/numbers/mod.ts";
import { type ConfigFault, FAULTS_MAX, type Finding, findingsOf, keyText, optionFault, placed } from "./faults.ts";
import { type Path, type Places, placesIn } from "./places.ts";
import { type PlanFromConfig, planFrom } from "./plan.ts";
import { completed, configSchema, type ViprConfig } from "./schema.ts";
import { serverFindings } from "./server-check.ts";
import { applySetting, SETTINGS_MAX, type Setting, settingOf } from "./settings.ts";

export interface ConfigSource {
  /** As it is called in messages. Without a text there are only options. */
  readonly file: string;
  readonly text: string | undefined;
  /** `KEY=VALUE`, in their order. */
  readonly settings?: ReadonlyArray<string> | undefined;
}

export interface Configuration {
  readonly config: ViprConfig;
  readonly plan: DialPlan;
  /** As they were written, before defaults; for `vipr config show`. */
  readonly raw: Readonly<Record<string, unknown>>;
  readonly places: () => Places;
  /** The option that a value came from. */
  readonly optionOf: (path: Path) => string | undefined;
}

export type ConfigReading =
  | { readonly type: "read"; readonly configuration: Configuration }
  | { readonly type: "refused"; readonly faults: ReadonlyArray<ConfigFault> };

export const FILE_CHARS_MAX = 16 * 1024 * 1024;

export const readConfig = ({ file, text: given = "", settings = [] }: ConfigSource): ConfigReading => {
  const text = given.replace(/^\uFEFF/, "");
  const raw = valuesIn(file, text);
  if (raw.type === "refused") return raw;
  const over = settings.slice(0, SETTINGS_MAX).map(settingOf);
  const bad = over.indexOf(undefined);
  if (bad >= 0) return refused([optionFault(settings[bad]!, NO_SETTING)]);
  const options = new Map(
    (over as ReadonlyArray<Setting>).map((one) => [keyText(applySetting(raw.values, one)), one.option]),
  );
  const optionOf = (path: Path) =>
    path.map((_, i) => options.get(keyText(path.slice(0, i + 1)))).find((one) => one !== undefined);
  let known: Places | undefined;
  const places = () => {
    known ??= placesIn(text);
    return known;
  };
  const decoded = Schema.decodeUnknownResult(configSchema, { errors: "all", onExcessProperty: "error" })(raw.values);
  const config = Result.isSuccess(decoded)
    ? completed(decoded.success as Readonly<Record<string, unknown>>)
    : undefined;
  const findings: ReadonlyArray<Finding> = Result.isFailure(decoded)
    ? findingsOf(decoded.failure.issue, raw.values)
    : [];
  const made = config === undefined ? { findings } : withServer(config, planFrom(config));
  if (config === undefined || made.plan === undefined || made.findings.length > 0)
    return refused(made.findings.slice(0, FAULTS_MAX).map((one) => placed(one, file, places, optionOf)));
  return { type: "read", configuration: { config, plan: made.plan, raw: raw.values, places, optionOf } };
};

const withServer = (config: ViprConfig, { plan, findings }: PlanFromConfig): PlanFromConfig => ({
  plan,
  findings: [...findings, ...serverFindings(config)],
});

const refused = (faults: ReadonlyArray<ConfigFault>): ConfigReading => ({
  type: "refused",
  faults: [...faults].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)),
});

const NO_SETTING = "wants KEY=VALUE with a key of the file, as numbers.country=DE or trunk.NAME.plus=never";

type Values =
  | { readonly type: "values"; readonly values: Record<string, unknown> }
  | Extract<ConfigReading, { type: "refused" }>;

const valuesIn = (file: string, text: string): Values => {
  const fault = (why: string, line?: number, column?: number): Values => ({
    type: "refused",
    faults: [{ where: file, line, column, key: "", why }],
  });
  if (text.length > FILE_CHARS_MAX) return fault(`is longer than ${FILE_CHARS_MAX} characters`);
  try {
    return { type: "values", values: parse(text) };
  } catch (error) {
    // Bun gives every Error a line and a column, those of the program.
    if (error instanceof TomlError)
      return fault(
        tomlFault(error.message.split("\n")[0]!.replace(/^Invalid TOML document: /, "")),
        error.line,
        error.column,
      );
    throw error;
  }
};

/** What people write instead of TOML, by the library's word for it. */
const TOML_INSTEAD: ReadonlyArray<readonly [RegExp, string]> = [
  [/invalid value|illegal leading zero|in numeric literal/, 'a text stands in straight quotes, as "DE"'],
  [/redefine/, "this name is above already, and a table or a key is there once"],
  [/control characters .* in strings|unfinished string/, "a text ends with its quote on the same line"],
  [/character in key|find end of key/, "a line is KEY = VALUE or [TABLE]"],
  [/represented losslessly/, "the number is too large"],
];

const tomlFault = (message: string): string => {
  const instead = TOML_INSTEAD.find(([form]) => form.test(message))?.[1];
  return `is no TOML here: ${message}${instead === undefined ? "" : `; ${instead}`}`;
};
