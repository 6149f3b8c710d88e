/** Forms: what is written is read; what is not a form is an error with its place, never a throw. RFC 7578, RFC 6940 §11.3. */

import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  type EnrolmentRequest,
  enrolmentTokens,
  enrolmentUrl,
  FORM_BYTES_MAX,
  FORM_PARTS_MAX,
  formContentType,
  readEnrolment,
  readEnrolmentUrl,
  readForm,
  readReloadUri,
  readToken,
  reloadUri,
  userNameOf,
  writeEnrolment,
  writeForm,
} from "../../codecs/enrol/mod.ts";
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import { concat, utf8 } from "../../codecs/shared/mod.ts";
import { runs, test } from "../kit/harness.ts";

const BOUNDARY = "----vipr-0123456789abcdef";
const TYPE = formContentType(BOUNDARY);
/** Bodies rich in what a careless reader stumbles on. */
const body = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom("\r\n", "--", "\r\n--", "\r\n\r\n", "----vipr").map(utf8),
    ),
    {
      maxLength: 8,
    },
  )
  .map((parts) => concat(...parts));
const part = fc.record(
  {
    name: fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/),
    body,
    contentType: fc.constantFrom("text/plain", "application/pkcs10"),
  },
  { noNullPrototype: true, requiredKeys: ["name", "body"] },
);
const parts = fc.array(part, { minLength: 1, maxLength: FORM_PARTS_MAX });
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const request: fc.Arbitrary<EnrolmentRequest> = fc.record(
  { csr: fc.uint8Array({ maxLength: 400 }), user: text, password: text, nodeIds: fc.integer({ min: 1, max: 9_999 }) },
  { noNullPrototype: true },
);
const check = <T>(arbitrary: fc.Arbitrary<T>, of: (value: T) => void) =>
  fc.assert(fc.property(arbitrary, of), { numRuns: runs });
const whyOf = (read: { readonly ok: boolean; readonly error?: { readonly at: string } }) =>
  read.ok ? "read" : read.error!.at;

test("form: what is written is read, whatever the bodies hold", () =>
  check(parts, (given) => same(readForm(TYPE, writeForm(given, BOUNDARY)), { ok: true, value: given })));

// RFC 6940 §11.3
test("form: an enrolment request is read as it was written (§11.3)", () =>
  check(request, (given) => same(readEnrolment(TYPE, writeEnrolment(given, BOUNDARY)), { ok: true, value: given })));

test("form: every truncation is refused; a changed byte gives a value or an error, never a throw", () =>
  check(fc.tuple(parts, fc.nat(), fc.nat(255)), ([given, at, byte]) => {
    const written = writeForm(given, BOUNDARY);
    const cut = at % (written.length - 2); // the last line end may be missing
    ok(!readForm(TYPE, written.subarray(0, cut)).ok);
    const read = readForm(TYPE, written.with(cut, byte));
    ok(read.ok || read.error.at.length > 0);
  }));

test("form: any header and any bytes give a value or an error with its place", () =>
  check(fc.tuple(fc.string(), fc.oneof(fc.uint8Array(), body)), ([type, bytes]) => {
    ok(!readForm(type, bytes).ok);
    const read = readForm(TYPE, concat(utf8(`--${BOUNDARY}\r\n`), bytes));
    ok(read.ok || read.error.at.length > 0);
  }));

test("form: errors say where", () => {
  const one = { name: "csr", contentType: "application/pkcs10", body: Uint8Array.of(1) };
  const form = (lines: string) => utf8(lines.replaceAll("B", `--${BOUNDARY}`).replaceAll("\n", "\r\n"));
  const whole = writeForm([one], BOUNDARY);
  for (const [type, bytes, at] of [
    ["application/json", whole, "content-type"],
    ["multipart/form-data", whole, "content-type"],
    [`multipart/form-data; boundary=${"x".repeat(71)}`, whole, "content-type"],
    [formContentType("other"), whole, "body"],
    [TYPE, new Uint8Array(FORM_BYTES_MAX + 1), "body"],
    [TYPE, concat(whole, Uint8Array.of(1)), "body"],
    [TYPE, concat(Uint8Array.of(13, 10), whole), "body"],
    [TYPE, form("B\nB--\n"), "part[0]"],
    [TYPE, form("B\n\nx\nB--\n"), "part[0]"],
    [TYPE, form("B\nContent-Type: a/b\n\nx\nB--\n"), "part[0].name"],
    [TYPE, form('B\nContent-Disposition: form-data; filename="name=x"\n\nx\nB--\n'), "part[0].name"],
    [TYPE, form('B\nContent-Disposition: form-data; name="a b"\n\nx\nB--\n'), "part[0].name"],
    [
      TYPE,
      form("B\nContent-Disposition: form-data; name=a\nContent-Disposition: b\n\nx\nB--\n"),
      "part[0].content-disposition",
    ],
    [
      TYPE,
      form("B\nContent-Disposition: form-data; name=a\nContent-Transfer-Encoding: base64\n\nx\nB--\n"),
      "part[0].content-transfer-encoding",
    ],
    [TYPE, form(`B\nContent-Disposition: form-data; name=a\nX: ${"x".repeat(1_100)}\n\nx\nB--\n`), "part[0]"],
    [TYPE, form("B\nContent-Disposition: form-data; name=a\n\nx\nBx\n"), "part[0]"],
    [TYPE, writeForm(Array(FORM_PARTS_MAX + 1).fill(one), BOUNDARY), `part[${FORM_PARTS_MAX}]`],
  ] as const)
    same([at, whyOf(readForm(type, bytes))], [at, at]);
});

test("form: what curl and browsers write is read: a file's name, an unquoted boundary, parameters in any order", () => {
  const bytes = utf8(
    '--b\r\nContent-Disposition: form-data; name="csr"; filename="a.der"\r\nContent-Type: application/pkcs10\r\n\r\nx\r\n' +
      '--b\r\ncontent-disposition: form-data; filename="b"; name="username"\r\n\r\n\r\n--b--',
  );
  for (const type of ["multipart/form-data; boundary=b", 'Multipart/Form-Data; charset=utf-8; boundary="b"; x=y'])
    same(readForm(type, bytes), {
      ok: true,
      value: [
        { name: "csr", contentType: "application/pkcs10", body: utf8("x") },
        { name: "username", body: new Uint8Array() },
      ],
    });
});

test("form: an enrolment without a CSR, with two of a field, or with an impossible number of Node-IDs is refused with the reason", () => {
  const csr = { name: "csr", contentType: "application/pkcs10", body: Uint8Array.of(1) };
  const field = (name: string, body: Uint8Array | string) => ({
    name,
    body: typeof body === "string" ? utf8(body) : body,
  });
  for (const [given, at] of [
    [[field("username", "a")], "csr"],
    [[field("csr", "x")], "csr"],
    [[csr, csr], "csr"],
    [[csr, field("username", Uint8Array.of(0xff))], "username"],
    [[csr, field("password", "x".repeat(600))], "password"],
    [[csr, field("nodeids", "0")], "nodeids"],
    [[csr, field("nodeids", "1e3")], "nodeids"],
    [[csr, field("nodeids", "-1")], "nodeids"],
  ] as const)
    same(whyOf(readEnrolment(TYPE, writeForm(given, BOUNDARY))), at);
  same(readEnrolment(TYPE, writeForm([csr, field("colour", "red")], BOUNDARY)), {
    ok: true,
    value: { csr: csr.body, user: "", password: "", nodeIds: 1 },
  });
});

// RFC 6940 §11.3
test("names: a reload URI holds a Destination List of one node, and is read back (§14.15)", () => {
  same(
    reloadUri({ nodeId: nodeIdFrom(0x0123456789abcdef0123456789abcdefn), overlay: "vipr.example" }),
    "reload://01100123456789abcdef0123456789abcdef@vipr.example/",
  );
  check(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (nodeId) =>
    same(readReloadUri(reloadUri({ nodeId: nodeIdFrom(nodeId), overlay: "vipr.example" })), {
      nodeId,
      overlay: "vipr.example",
    }),
  );
  same(readReloadUri("reload://0123456789ABCDEF0123456789abcdef@Vipr.Example")?.overlay, "vipr.example");
  for (const uri of [
    "reload://01@a/",
    `reload://0210${"0".repeat(32)}@a/`,
    `reload://${"0".repeat(32)}@a/ff`,
    `x${"0".repeat(32)}`,
  ])
    same(readReloadUri(uri), undefined);
});

// RFC 6940 §11.3
test("names: user names, enrolment URLs and tokens", () => {
  same([userNameOf("alice", "o.example"), userNameOf("a@b.example", "o")], ["alice@o.example", "a@b.example"]);
  for (const user of ["", "a b", "a\0", "a@b@c", "é", "x".repeat(65)]) same(userNameOf(user, "o.example"), undefined);
  same(readEnrolmentUrl("https://[::1]:8443/enroll"), { host: "::1", port: 8443, path: "/enroll" });
  same(readEnrolmentUrl("https://a.example/e?x=1"), { host: "a.example", port: 443, path: "/e" });
  for (const url of ["http://a/", "nonsense", ""]) same(readEnrolmentUrl(url), undefined);
  same(readEnrolmentUrl(enrolmentUrl({ host: "::1", port: 1, path: "/a" })), { host: "::1", port: 1, path: "/a" });
  for (const token of enrolmentTokens) same(readToken(`${token}\r\n`), token);
  same(readToken("go away"), "unknown");
});
