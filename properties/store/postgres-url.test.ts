/** Where a PostgreSQL store is: what is taken as its URL, and where its password comes from. */
import { ok, deepStrictEqual as same } from "node:assert";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import fc from "fast-check";
import { type PostgresAddress, passwordIn, passwordOf, postgresAddress } from "../../runtime/store/postgres-url.ts";
import { runs, test } from "../kit/harness.ts";

const addressOf = (text: string) => postgresAddress(text) as PostgresAddress;

test("postgres url: a socket's folder and a schema are taken; the schema is ours and not the driver's", () => {
  const { url, schema, shown } = addressOf("postgres://vipr@/vipr?host=%2Frun%2Fpostgresql&schema=acme");
  same(schema, "acme");
  ok(!url.includes("schema"), url);
  same(new URL(url).searchParams.get("host"), "/run/postgresql");
  same(shown, "postgres://vipr@/vipr (schema acme)");
  same(addressOf("postgresql://vipr@db.example:5433/vipr").schema, "vipr");
});

test("postgres url: a password, a missing user or database, and what is no URL are refused with a sentence", () => {
  for (const [text, why] of [
    ["postgres://vipr:secret@db.example/vipr", /no password/],
    ["postgres://vipr@db.example/vipr?password=secret", /no password/],
    ["postgres://db.example/vipr", /a user/],
    ["postgres://vipr@db.example/", /a database/],
    ["postgres://vipr@db.example/vipr?schema=A;DROP", /schema/],
    ["mysql://vipr@db.example/vipr", /wants a URL/],
    ["vipr.sqlite", /wants a URL/],
  ] as const) {
    const said = postgresAddress(text);
    ok(typeof said === "string" && why.test(said) && !said.includes("secret"), `${text}: ${JSON.stringify(said)}`);
  }
});

/** As libpq has it written: a backslash before a colon and a backslash. */
const escaped = (text: string) => text.replace(/[\\:]/g, "\\$&");

test("postgres url: the first line of a password file that fits gives its password, whatever signs are in it", () => {
  const field = fc.stringMatching(/^[a-z\\:]{1,6}$/);
  fc.assert(
    fc.property(field, field, fc.stringMatching(/^[a-zA-Z0-9\\: #*]{1,12}$/), (user, database, password) => {
      const url = new URL("postgres://db.example/x");
      url.searchParams.set("user", user);
      url.searchParams.set("dbname", database);
      const line = (...fields: ReadonlyArray<string>) => fields.map(escaped).join(":");
      const text = [
        "# a comment",
        line("other.example", "5432", database, user, "wrong"),
        line("db.example", "5433", database, user, "wrong"),
        `*:*:${escaped(database)}:${escaped(user)}:${escaped(password)}`,
        line("db.example", "5432", database, user, "late"),
      ].join("\n");
      same(passwordIn(text, url), password);
      same(passwordIn("db.example:5432:another:one:x", url), undefined);
    }),
    { numRuns: runs },
  );
});

test("postgres url: a file that is named goes before PGPASSWORD, that before a password file, and one that others may read is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-pgpass-"));
  const { PGPASSWORD, PGPASSFILE } = process.env;
  try {
    const address = addressOf("postgres://vipr@db.example/vipr");
    const [named, passFile] = [join(folder, "named"), join(folder, "pgpass")];
    writeFileSync(named, "from the file\nsecond line\n");
    writeFileSync(passFile, "*:*:*:vipr:from pgpass\n", { mode: 0o600 });
    process.env.PGPASSFILE = passFile;
    process.env.PGPASSWORD = "from the environment";
    same(passwordOf(address, named), "from the file");
    same(passwordOf(address, undefined), "from the environment");
    delete process.env.PGPASSWORD;
    same(passwordOf(address, undefined), "from pgpass");
    chmodSync(passFile, 0o644);
    same(passwordOf(address, undefined), undefined);
  } finally {
    for (const [name, value] of Object.entries({ PGPASSWORD, PGPASSFILE }))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    rmSync(folder, { recursive: true });
  }
});
