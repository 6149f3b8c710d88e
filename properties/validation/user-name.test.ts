/** User names of validations: one text for each value, one value for each text, and a place for what is wrong. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { e164, nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import {
  ERA_SECONDS_MAX,
  type PvpUserName,
  parseUserName,
  printUserName,
  TIME_BITS_MAX,
  USER_NAME_BYTES_MAX,
} from "../../codecs/validation/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { userNames } from "./arbitrary.ts";

const sample = {
  version: 1,
  method: "B",
  originator: nodeIdFrom(0x11n),
  terminator: nodeIdFrom(2n ** 128n - 1n),
  vservice: vserviceId(7n),
  start: "u",
  stop: "d",
  called: e164("+14085555432"),
  instant: 3_976_214_400,
} as const satisfies PvpUserName;

test("docs/protocol/pvp.md#user-name: a user name as it is written", () =>
  same(
    printUserName(sample),
    `vipr1;B;${"0".repeat(30)}11;${"f".repeat(32)};0000000000000007;ud;+14085555432;3976214400`,
  ));

test("docs/protocol/pvp.md#user-name: version 2 has bits of the times, none to sixteen, and times beyond 2036", () => {
  const longest = { ...sample, version: 2, instant: 999_999_999_999, bits: "0".repeat(TIME_BITS_MAX) } as const;
  same(printUserName(longest).split(";").slice(7), ["999999999999", "0000000000000000"]);
  const later = { ...sample, version: 2, instant: ERA_SECONDS_MAX + 1, bits: "" } as const;
  same(parseUserName(printUserName(later)), { ok: true, value: later });
});

test("user name: what is printed is parsed, fits 255 bytes and is US-ASCII", () =>
  fc.assert(
    fc.property(userNames, (name) => {
      const text = printUserName(name);
      same(parseUserName(text), { ok: true, value: name });
      ok(text.length <= USER_NAME_BYTES_MAX && /^[!-~]+$/.test(text));
    }),
    { numRuns: runs },
  ));

const changed = fc
  .tuple(userNames.map(printUserName), fc.nat(), fc.string({ maxLength: 2 }), fc.nat(2))
  .map(
    ([text, at, put, cut]) => text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + cut),
  );

test("user name: any other text is an error with its field, or prints as it stood", () =>
  fc.assert(
    fc.property(fc.oneof(changed, fc.string(), fc.string({ unit: "binary" })), (text) => {
      const parsed = parseUserName(text);
      if (parsed.ok) same(printUserName(parsed.value), text);
      else ok(parsed.error.field >= -1 && parsed.error.field <= 9);
    }),
    { numRuns: 5 * runs },
  ));

test("user name: the names that every object answers to are no methods", () => {
  const good = printUserName(sample).split(";");
  for (const method of Object.getOwnPropertyNames(Object.prototype))
    for (const text of [`vipr1;${method};x`, good.toSpliced(1, 1, method).join(";")]) {
      const parsed = parseUserName(text);
      same(parsed.ok || [parsed.error.field, parsed.error.why], [1, "not of its form"], text);
    }
});

test("user name: the field that is wrong is named", () => {
  const fieldOf = (text: string) => {
    const parsed = parseUserName(text);
    return parsed.ok ? "ok" : parsed.error.field;
  };
  const good = printUserName(sample);
  const fields = good.split(";");
  const bad = ["vipr3", "D", "g".repeat(32), "F".repeat(32), "7", "xx", "14085555432", "03976214400"];
  same(
    bad.map((field, i) => fieldOf(fields.toSpliced(i, 1, field).join(";"))),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  same([fieldOf(""), fieldOf(`${good};`), fieldOf(fields.slice(0, 7).join(";"))], [0, 8, 7]);
  same(fieldOf("x".repeat(256)), -1);
  same(fieldOf(fields.toSpliced(7, 1, "4294967296").join(";")), 7);
  const minute = printUserName({ ...sample, method: "C", startMinute: 60, stopMinute: 120, calledHash: "0a" });
  same([fieldOf(minute), fieldOf(minute.replace(";60;", ";61;"))], ["ok", 6]);
  const second = printUserName({ ...sample, version: 2, bits: "0110" });
  const changes = [";0110", ";0120", `;${"01".repeat(8)}1`, ""].map((bits) => second.replace(";0110", bits));
  same(changes.map(fieldOf), ["ok", 8, 8, 8]);
  const later = second.replace(";3976214400", ";4294967296");
  same([later, later.replace("vipr2", "vipr1"), second.replace("vipr2", "vipr1")].map(fieldOf), ["ok", 7, 8]);
  const caller = { method: "A", callerHash: "0".repeat(16), halfHour: 3_976_214_400 } as const;
  const byCaller = printUserName({ ...sample, version: 2, bits: "", ...caller });
  same([byCaller, byCaller.replace(";3976214400", ";3976214460"), byCaller.slice(0, -1)].map(fieldOf), ["ok", 8, 9]);
});
