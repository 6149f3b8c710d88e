/** `vipr.toml`: what is right is read, and each mistake is named with its place and what would be right. */
import { equal, ok, deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { readNumber } from "../../codecs/numbers/mod.ts";
import { e164 } from "../../codecs/shared/mod.ts";
import {
  allowsDomain,
  allowsNumber,
  type Configuration,
  faultText,
  readConfig,
  shownValues,
} from "../../runtime/config/mod.ts";
import { runs, test } from "../kit/harness.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`config: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

const ACME = readFileSync("properties/vectors/config/vipr.toml", "utf8");

const readIn = (text: string, ...settings: ReadonlyArray<string>): Configuration => {
  const reading = readConfig({ file: "vipr.toml", text, settings });
  if (reading.type === "refused") throw new Error(reading.faults.map(faultText).join("\n"));
  return reading.configuration;
};
const faultsIn = (text: string, ...settings: ReadonlyArray<string>): ReadonlyArray<string> => {
  const reading = readConfig({ file: "vipr.toml", text, settings });
  return reading.type === "read" ? [] : reading.faults.map(faultText);
};

test("config: the company's file is taken as it stands", () => {
  const { config, plan } = readIn(ACME);
  equal(config.domain, "acme.example");
  same(
    config.trunk.map(({ name, channels, plus }) => [name, channels, plus]),
    [
      ["trunk1", ["PJSIP/trunk1"], "omitted-by-some"],
      ["trunk2", ["PJSIP/trunk2"], "omitted-by-some"],
    ],
  );
  same([config.records.format, config.records.zone], ["asterisk", "UTC"]);
  equal(readNumber(plan, "949305550901", { source: "dialled" }).number, "+49305550901");
});

test("config: a key that is not set is undefined, or what docs/configuration.md says", () => {
  const { config } = readIn("");
  same([config.vap.primary, config.vap.tls, config.agent.attemptTimeoutMs], [undefined, true, 2_000]);
  same([config.trunk, config.numbers.outside, config.numbers.fold.length > 0], [[], [], true]);
});

test("config: addresses are read into hosts and ports", () => {
  const { config } = readIn(
    '[vap]\nprimary = "[2001:db8::1]:5080"\n[agent]\nlisten = ["udp:192.0.2.1", "tls:sip.acme.example:5071"]',
  );
  same(config.vap.primary, { host: "2001:db8::1", port: 5080 });
  same(config.agent.listen, [
    { transport: "udp", host: "192.0.2.1", port: 5060 },
    { transport: "tls", host: "sip.acme.example", port: 5071 },
  ]);
});

test("config: each mistake is named with its place, what stands there and what would be right", () => {
  const text = `domian = "x"
[numbers]
country = "Germany"
area = 30
own = ["+14085550200..+14085550499", 5]
[vap]
password = "geheim"
[[trunk]]
plus = "sometimes"
`;
  same(faultsIn(text), [
    "vipr.toml:1:1: domian: there is no such key; did you mean domain?",
    'vipr.toml:3:11: numbers.country: wants a country\'s two letters, as "DE" or "US", not "Germany"',
    'vipr.toml:4:8: numbers.area: wants digits, as "9", not 30',
    'vipr.toml:5:38: numbers.own[1]: wants a range, as "+14085550200..+14085550499", or one number, not 5',
    "vipr.toml:7:1: vap.password: there is no such key: a secret stands in a file of its own, password-file, or in the environment",
    'vipr.toml:8:3: trunk[0].name: is missing: letters, digits, _ . -, as "trunk1"',
    'vipr.toml:9:8: trunk[0].plus: wants one of "always", "never", "omitted-by-some", not "sometimes"',
  ]);
});

test("config: mistakes of the dial plan have their places too", () => {
  const text = `[numbers]
own = ["+14085550200..+1408555"]
extensions = { "2XX" = "+14085550" }
[[trunk]]
name = "a"
digits-to-number = { "44" = "+1408" }
`;
  same(faultsIn(text), [
    'vipr.toml:2:8: numbers.own[0]: wants a whole number with +, or two of one length: +14085550200..+14085550499, not "+14085550200..+1408555"',
    'vipr.toml:3:24: numbers.extensions.2XX: wants as many X as there are in 2XX, not "+14085550"',
    'vipr.toml:6:29: trunk[0].digits-to-number.44: wants a number of digits, 1 to 15, not "44"',
  ]);
  same(faultsIn('[[trunk]]\nname = "a"\n[[trunk]]\nname = "a"'), [
    'vipr.toml:4:8: trunk[1].name: wants a name of its own: trunk[0] is "a" too',
  ]);
});

test("config: what is no TOML is named with its place, on every runtime", () => {
  const [fault, more] = faultsIn('domain = "acme.example"\n[numbers]\ncountry = US\n');
  ok(fault?.startsWith("vipr.toml:3:11: is no TOML here: "), fault);
  equal(more, undefined);
  for (const [text, instead] of [
    ["country = US", 'a text stands in straight quotes, as "DE"'],
    ["country = \u201cUS\u201d", 'a text stands in straight quotes, as "DE"'],
    ['country = "US', "a text ends with its quote on the same line"],
    ['country: "US"', "a line is KEY = VALUE or [TABLE]"],
    ['country = "US"\ncountry = "DE"', "this name is above already, and a table or a key is there once"],
    ["[numbers.own]\n[numbers]", "this name is above already, and a table or a key is there once"],
    ["area = 99999999999999999999", "the number is too large"],
  ] as const)
    ok(faultsIn(`[numbers]\n${text}\n`)[0]?.endsWith(`; ${instead}`), `${text}: ${faultsIn(`[numbers]\n${text}\n`)}`);
});

test("config: what a program would refuse when it starts is refused here", () => {
  const ports = 'wants two ports, the lower first and three apart at least, as "30000-39999", not';
  for (const range of ["39999-30000", "30000-30002", "1-99999", "0-4"])
    same(faultsIn(`[media]\nports = "${range}"\n`), [`vipr.toml:2:9: media.ports: ${ports} "${range}"`]);
  equal(readIn('[media]\nports = "30000-30003"\n').config.media.ports, "30000-30003");
  for (const [key, value] of [
    ["records.zone", "Berlin"],
    ["records.format", "astersk"],
    ["trunk.a.host", "sip:carrier.example"],
    ["trunk.a.host", "carrier.example:5060"],
    ["trunk.a.host", "192.0.2.256"],
    ["trunk.a.host", "a host"],
    ["trunk.a.host", ""],
  ])
    same(faultsIn("", `${key}=${value}`).length, 1, `${key}=${value}`);
  for (const [key, value] of [
    ["records.zone", "+02:00"],
    ["records.format", "auto"],
    ["trunk.a.host", "sip.carrier.example."],
    ["trunk.a.host", "2001:db8::1"],
    ["trunk.a.host", "pbx-7"],
  ])
    same(faultsIn("", `${key}=${value}`), []);
});

test("config: a number that TOML has and JSON has not is shown as it is, and refused once", () => {
  for (const [written, shown] of [
    ["nan", "NaN"],
    ["inf", "Infinity"],
    ["1e400", "Infinity"],
    ["-1.5", "-1.5"],
  ])
    same(faultsIn(`[[trunk]]\nname = "a"\nport = ${written}\n`), [
      `vipr.toml:3:8: trunk[0].port: wants a whole number from 1 to 65535, not ${shown}`,
    ]);
});

test("config: what TOML 1.1 allows has places too, and a mark of byte order is no key", () => {
  same(faultsIn('\uFEFFdomain = "acme\\x2eexample"\nvap = { primary = "h:1",\n  backup = 2 }\n'), [
    'vipr.toml:3:12: vap.backup: wants host:port, as "192.0.2.1:5060" or "[2001:db8::1]:5060", not 2',
  ]);
});

test("config: a secret that somebody wrote down is not repeated", () => {
  const faults = faultsIn('[vap]\npassword-file = ["geheim"]\nuser-password = "geheim"\n');
  equal(faults.length, 2);
  ok(!faults.join().includes("geheim"));
});

test("config: every key is an option too, over the file, and says so", () => {
  const settings = [
    "numbers.country=DE",
    "numbers.area=30",
    "numbers.own=+49305550900..+49305550999",
    "trunk.trunk1.plus=never",
  ];
  const read = readIn(
    ACME,
    ...settings,
    "numbers.extensions.9XX=+493055509XX",
    "trunk.berlin.channels=PJSIP/berlin",
    "vap.tls=false",
  );
  const { numbers, trunk, vap } = read.config;
  same([numbers.country, numbers.area, vap.tls], ["DE", "30", false]);
  same(numbers.extensions, { "9XX": "+493055509XX" });
  same(
    trunk.map(({ name, plus, channels }) => [name, plus, channels]),
    [
      ["trunk1", "never", ["PJSIP/trunk1"]],
      ["trunk2", "omitted-by-some", ["PJSIP/trunk2"]],
      ["berlin", "always", ["PJSIP/berlin"]],
    ],
  );
  const origins = new Map(shownValues(read).map(({ key, origin }) => [key, origin]));
  same(origins.get("numbers.area"), { type: "option", option: "numbers.area=30" });
  same(origins.get("records.zone"), { type: "file", line: 24 });
  same(origins.get("trunk.trunk1.national"), { type: "default" });
  same(faultsIn("", "numbers.country=Germany"), [
    '--set numbers.country: wants a country\'s two letters, as "DE" or "US", not "Germany"',
  ]);
  equal(faultsIn("", "no key").length, 1);
});

law(
  "any text is read or refused with at least one sentence, and never an exception",
  fc.property(
    fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.string({
        unit: fc.constantFrom("[", "]", "numbers", "trunk", "=", '"', "\n", "a", ".", "1", "{", "}", ","),
        maxLength: 40,
      }),
    ),
    fc.array(
      fc.string({
        unit: fc.constantFrom("trunk", "numbers", ".", "=", "own", "a", '"', "__proto__", "["),
        maxLength: 8,
      }),
      { maxLength: 3 },
    ),
    (text, settings) => {
      const reading = readConfig({ file: "vipr.toml", text, settings });
      if (reading.type === "refused") {
        ok(reading.faults.length >= 1);
        for (const fault of reading.faults) ok(fault.why !== "");
      } else shownValues(reading.configuration);
    },
  ),
);

const json = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.integer(),
  fc.boolean(),
  fc.array(fc.string({ maxLength: 4 }), { maxLength: 3 }),
);
law(
  "a value of the wrong kind under any name is named with a line that has it",
  fc.property(
    fc.constantFrom("vap", "numbers", "records", "lists", "agent", "route"),
    fc.dictionary(fc.stringMatching(/^[a-z-]{1,12}$/), json, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
    (table, values) => {
      const text = stringify({ [table]: values });
      const reading = readConfig({ file: "f", text });
      if (reading.type === "read") return;
      const lines = text.split("\n");
      for (const { key, line } of reading.faults) {
        const name = key.split(/[.[]/)[1]!;
        ok(lines[line! - 1]!.includes(name), `${faultText(reading.faults[0]!)} in ${text}`);
      }
    },
  ),
);

test("config: black and white lists of numbers and domains", () => {
  const { lists } = readIn(
    '[lists]\nblack-numbers = ["+4930555*"]\nwhite-numbers = ["+49*"]\nblack-domains = ["bad.example", "*.bad.example"]',
  ).config;
  equal(allowsNumber(lists, e164("+49305550901")), false);
  equal(allowsNumber(lists, e164("+49405550901")), true);
  equal(allowsNumber(lists, e164("+14085550901")), false);
  same(
    ["bad.example", "x.bad.example", "BAD.example.", "good.example", "xbad.example"].map((one) =>
      allowsDomain(lists, one),
    ),
    [false, false, false, true, true],
  );
});
