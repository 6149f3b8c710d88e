/** A company in one process with an overlay of its own, by the file that `vipr config init` writes: no border element. */
import { deepStrictEqual as same } from "node:assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../kit/ports.ts";
import { POLITE_END, start, vipr } from "./processes.ts";

/** What `vipr config init` cannot do without. */
export const ANSWERS: Readonly<Record<string, string>> = {
  domain: "acme.example",
  country: "US",
  own: "+14085550200..+14085550209",
  listen: "udp:127.0.0.1:5060",
  pbx: "127.0.0.2:5060",
  trunk: "127.0.0.3",
  authority: "https://127.0.0.1:8443",
  root: "authority/authority.pem",
};
export const optionsOf = (answers: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.entries(answers).flatMap(([option, answer]) => [`--${option}`, answer]);

export interface SmallCompany {
  /** Ends both politely. */
  readonly stop: () => Promise<void>;
}

/** In `folder`: `vipr.toml`, and the programs' directories below `company`. */
export const startSmallCompany = async (
  folder: string,
  answers: Readonly<Record<string, string>> = {},
): Promise<SmallCompany> => {
  const [authority, reload] = [await freePort(), await freePort()];
  const here = async (args: ReadonlyArray<string>) => {
    const { code, err } = await vipr(args, "", undefined, folder);
    same(code, 0, err);
  };
  writeFileSync(join(folder, "account"), "a word of one's own\n", { mode: 0o600 });
  const given = { ...ANSWERS, authority: `https://127.0.0.1:${authority}`, ...answers };
  await here(["config", "init", ...optionsOf({ ...given, "password-file": "account", data: "company" })]);
  await here(["authority", "add-user", "acme", "--password-file", "account", "--data", "authority"]);
  const places = ["--listen", `127.0.0.1:${authority}`, "--bootstrap", `127.0.0.1:${reload}`];
  const overlay = start(
    ["authority", "--data", "authority", "--name", "trial.example", ...places],
    "",
    undefined,
    folder,
  );
  await overlay.said(/^enrolment /m);
  const free = async (key: string) => ["--set", `${key}=127.0.0.1:${await freePort()}`];
  const ports = [await free("server.vap"), await free("server.pvp"), await free("server.admin")].flat();
  const company = start(["company", "--set", `server.listen=127.0.0.1:${reload}`, ...ports], "", undefined, folder);
  await company.said(/^ready$/m);
  return {
    stop: async () => {
      for (const one of [company, overlay]) same(await one.kill("SIGTERM"), POLITE_END, one.err());
    },
  };
};
