/** A company's server by its `vipr.toml`, with the authority that admits it: processes, files, ports of their own. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import { addAccount } from "../../runtime/cli/accounts.ts";
import { openFolder } from "../../runtime/cli/folder.ts";
import { freePort } from "../kit/ports.ts";
import { type Running, start } from "./processes.ts";

export const HOST = "127.0.0.1";
export const WORDS = { acme: "the account's own word", pbx: "the exchange's word" } as const;
export const DOMAIN = "acme.example";
export const JOINED = /^node ([0-9a-f]{32}) of vipr\.test is at (\S+), admin (http:\/\/\S+)\/ring\.json$/m;

export interface OneServer {
  readonly at: (name: string) => string;
  readonly config: string;
  /** Below it the server's directory lies. */
  readonly data: string;
  readonly ports: { readonly reload: number; readonly vap: number; readonly pvp: number };
  readonly authority: Running;
  readonly trust: { readonly url: string; readonly fingerprint: string };
  /** Writes `vipr.toml` anew; `more` goes below `[server]`, `tables` behind it. */
  readonly write: (more?: string, tables?: string) => void;
  /** Until it has joined. */
  readonly serve: (...args: ReadonlyArray<string>) => Promise<Running>;
}

/** With the authority running and the file written; the server is not started yet. */
export const oneServer = async (root: string, authorityArgs: ReadonlyArray<string> = []): Promise<OneServer> => {
  const at = (name: string) => join(root, name);
  const [reload, vap, pvp] = (await Promise.all([freePort(), freePort(), freePort()])) as [number, number, number];
  for (const [name, word] of Object.entries(WORDS)) writeFileSync(at(`word-${name}`), `${word}\n`, { mode: 0o600 });
  await Effect.runPromise(
    Effect.flatMap(openFolder(at("authority")), (folder) => addAccount(folder, "acme", WORDS.acme)),
  );
  const authority = start([
    ...["authority", "--data", at("authority"), "--name", "vipr.test", "--listen", `${HOST}:0`],
    ...["--bootstrap", `${HOST}:${reload}`, ...authorityArgs],
  ]);
  const url = (await authority.said(/^enrolment +(\S+)$/m))[1]!;
  const fingerprint = (await authority.said(/^fingerprint +(\S+)$/m))[1]!;
  mkdirSync(at("acme"), { mode: 0o700 });
  const config = at("vipr.toml");
  const write = (more = "", tables = "") =>
    writeFileSync(
      config,
      `domain = "${DOMAIN}"
data = "${at("acme")}"
${tables}
[server]
authority = "${url}"
fingerprint = "${fingerprint}"
user = "acme"
password-file = "${at("word-acme")}"
listen = "${HOST}:${reload}"
pvp = "${HOST}:${pvp}"
vap = "0.0.0.0:${vap}"
admin = "${HOST}:0"
agents = { pbx = "${at("word-pbx")}" }
domains = ["${DOMAIN}"]
${more}
`,
    );
  write();
  const serve = async (...args: ReadonlyArray<string>) => {
    const server = start(["server", "--config", config, ...args]);
    await server.said(JOINED);
    return server;
  };
  return {
    at,
    config,
    data: at("acme"),
    ports: { reload, vap, pvp },
    authority,
    trust: { url, fingerprint },
    write,
    serve,
  };
};
