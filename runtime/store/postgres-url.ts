/**
 * Where a PostgreSQL store is, and its password: from PGPASSWORD or a password file, as libpq has it, and never from the URL,
 * which stands in a list of processes. https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { isSchemaName } from "./postgres-sql.ts";

export interface PostgresAddress {
  /** For the driver, without what is ours. */
  readonly url: string;
  /** For people: without query. */
  readonly shown: string;
  readonly schema: string;
}

const SCHEMA = "vipr";
const PORT = "5432";
const OTHERS = 0o077;

export const isPostgresUrl = (text: string): boolean => /^postgres(ql)?:\/\//.test(text);

/** A sentence where it is none that we take. */
export const postgresAddress = (text: string): PostgresAddress | string => {
  // A host may be missing where `?host=` names a folder of sockets; URL wants one.
  const whole = text.replace(/^(postgres(?:ql)?:\/\/)([^/?#]*@)?(?=\/)/, "$1$2localhost");
  if (!isPostgresUrl(text) || !URL.canParse(whole)) return 'wants a URL, as "postgres://vipr@db.example/vipr"';
  const url = new URL(whole);
  if (url.password !== "" || url.searchParams.has("password"))
    return "wants no password: it comes from PGPASSWORD or a password file";
  if (url.username === "" && !url.searchParams.has("user")) return "wants a user, as postgres://USER@HOST/DATABASE";
  if (url.pathname.length < 2 && !url.searchParams.has("dbname"))
    return "wants a database, as postgres://USER@HOST/DATABASE";
  const schema = url.searchParams.get("schema") ?? SCHEMA;
  if (!isSchemaName(schema)) return `schema: small letters, digits and _, not "${schema}"`;
  url.searchParams.delete("schema");
  const shown = `${url.protocol}//${text.replace(/^\w+:\/\//, "").split("?", 1)[0]}`;
  return { url: url.toString(), shown: schema === SCHEMA ? shown : `${shown} (schema ${schema})`, schema };
};

/** Looked for at each connection, so that one that was changed counts. `file`: the password is its first line. */
export const passwordOf = ({ url }: PostgresAddress, file: string | undefined): string | undefined => {
  if (file !== undefined) return readFileSync(file, "utf8").split(/\r?\n/, 1)[0];
  const { PGPASSWORD, PGPASSFILE } = process.env;
  if (PGPASSWORD !== undefined && PGPASSWORD !== "") return PGPASSWORD;
  const passFile = PGPASSFILE ?? join(homedir(), ".pgpass");
  // As libpq: one that others may read is not read.
  if (!existsSync(passFile) || (statSync(passFile).mode & OTHERS) !== 0) return undefined;
  return passwordIn(readFileSync(passFile, "utf8"), new URL(url));
};

/** Lines of `host:port:database:user:password`, a backslash before `:` and `\`; `*` is any. The first that fits counts. */
export const passwordIn = (text: string, { hostname, port, pathname, username, searchParams: query }: URL) => {
  const wanted = [
    query.get("host") ?? hostname,
    query.get("port") ?? (port || PORT),
    query.get("dbname") ?? decodeURIComponent(pathname.slice(1)),
    query.get("user") ?? decodeURIComponent(username),
  ];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = fieldsOf(line);
    if (fields.length >= 5 && wanted.every((one, i) => fields[i] === "*" || fields[i] === one)) return fields[4];
  }
  return undefined;
};

const fieldsOf = (line: string): ReadonlyArray<string> => {
  const fields = [""];
  for (let i = 0; i < line.length; i++)
    if (line[i] === ":") fields.push("");
    else {
      if (line[i] === "\\" && i + 1 < line.length) i++;
      fields.push(`${fields.pop()}${line[i]}`);
    }
  return fields;
};
