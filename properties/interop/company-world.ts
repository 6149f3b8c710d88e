/**
 * Two companies as `vipr company` has them, an authority, and a telephone network between them: the agent of each is the
 * other's trunk. All on this machine; the agents at addresses of their own, by which they know each other from telephones.
 *
 *   telephone -- a 127.0.0.11 --+-- trunk: SIP and RTP in the clear --+-- b 127.0.0.12 -- telephone
 *                               +-- border ======= TLS, SRTP ======= border --+
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Clock, Effect } from "effect";
import { makeAuthority } from "../../runtime/authority.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { pemOf } from "../../runtime/keys.ts";
import { MAIN } from "../cli/processes.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { freePort, HOST, peer, until } from "./peers.ts";

export const vipr = (...words: ReadonlyArray<string>) => peer(process.execPath, [MAIN, ...words]);
/** To its end; what it has printed. */
export const viprNow = (...words: ReadonlyArray<string>): string => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], { timeout: 30_000 });
  if (status !== 0) throw new Error(`vipr ${words.join(" ")}: ${status} ${stderr}`);
  return String(stdout);
};

/** Whoever waits shorter tells claimants when a call ended, and a call of seconds is worth nothing then. */
export const WAIT_S_MAX = 30;

/** A program that starts on a loaded machine takes its time. */
const START_TURNS = 4_000;

type Name = "a" | "b";
const PLACES = {
  a: { agentHost: "127.0.0.11", country: "US", number: "+14085550201", own: "+14085550200..+14085550209" },
  b: { agentHost: "127.0.0.12", country: "DE", number: "+4930555001", own: "+4930555000..+4930555009" },
} as const;

export interface Company {
  readonly name: Name;
  readonly number: string;
  readonly config: string;
  readonly data: string;
  readonly agent: { readonly host: string; readonly port: number };
  readonly phonePort: number;
}

export interface WorldOptions {
  /** `[media]` of both. */
  readonly media: (name: Name) => string;
}

/** The files of both companies; neither runs yet. */
export const companies = Effect.fn("interop.companies")(function* (at: string, { media }: WorldOptions) {
  const { url, fingerprint, bootstrap } = yield* authority(at);
  const nowMs = yield* Clock.currentTimeMillis;
  const root = yield* makeAuthority({ name: "interop border", nowMs });
  writeFileSync(join(at, "roots.pem"), pemCertificate(root.root));
  const ports = yield* Effect.all(Array.from({ length: 16 }, () => freePort));
  const sip = { a: ports[0]!, b: ports[1]! };
  const made = new Map<Name, Company>();
  for (const [i, name] of (["a", "b"] as const).entries()) {
    const { agentHost, country, number, own } = PLACES[name];
    const other = name === "a" ? "b" : "a";
    const [reload, pvp, vap, border, inside, agentInside, phonePort] = ports.slice(2 + 7 * i) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const shown = yield* credentialsUnder(`${name}.example`, root);
    writeFileSync(join(at, `${name}.key`), pemOf(shown.key), { mode: 0o600 });
    writeFileSync(join(at, `${name}.pem`), shown.certificates.map(pemCertificate).join(""));
    const config = join(at, `${name}.toml`);
    writeFileSync(
      config,
      `domain = "${name}.example"
data = "${join(at, name)}"
[server]
authority = "${url}"
fingerprint = "${fingerprint}"
user = "${name}"
password-file = "${join(at, `${name}-word`)}"
listen = "${HOST}:${name === "a" ? bootstrap : reload}"
pvp = "${HOST}:${pvp}"
vap = "${HOST}:${vap}"
admin = "${HOST}:0"
required-bits = 1
wait-min-s = 1
wait-max-s = ${WAIT_S_MAX}
[numbers]
country = "${country}"
own = ["${own}"]
[[trunk]]
name = "pstn"
host = "${PLACES[other].agentHost}"
port = ${sip[other]}
[agent]
listen = ["udp:${agentHost}:${sip[name]}"]
pbx = ["udp:${HOST}:${phonePort}"]
public = "${HOST}:${border}"
[border]
outside = "${HOST}:${border}"
inside = ["tcp:${HOST}:${inside}"]
call-agents = ["tcp:${HOST}:${agentInside}"]
outside-private = true
certificate-file = "${join(at, `${name}.pem`)}"
key-file = "${join(at, `${name}.key`)}"
ca-file = "${join(at, "roots.pem")}"
[media]
${media(name)}
`,
    );
    const agent = { host: agentHost, port: sip[name] };
    made.set(name, { name, number, config, data: join(at, name), agent, phonePort });
  }
  return { a: made.get("a")!, b: made.get("b")! };
});

/** With an account for each company; . */
const authority = Effect.fn("interop.authority")(function* (at: string) {
  const data = join(at, "authority");
  mkdirSync(data, { mode: 0o700 });
  const bootstrap = yield* freePort;
  for (const name of ["a", "b"]) {
    writeFileSync(join(at, `${name}-word`), `${name}, its own word\n`, { mode: 0o600 });
    viprNow("authority", "add-user", name, "--data", data, "--password-file", join(at, `${name}-word`));
  }
  const words = ["--name", "vipr.test", "--listen", `${HOST}:0`, "--bootstrap", `${HOST}:${bootstrap}`];
  const { said } = yield* vipr("authority", "--data", data, ...words);
  const saidAs = (what: RegExp) =>
    Effect.map(
      until(String(what), () => what.test(said.text), said, START_TURNS),
      () => what.exec(said.text)![1]!,
    );
  const url = yield* saidAs(/^enrolment +(\S+)$/m);
  return { url, fingerprint: yield* saidAs(/^fingerprint +(\S+)$/m), bootstrap };
});

/** Until it says that all three of its programs serve. */
export const company = Effect.fn("interop.company")(function* ({ config }: Company) {
  const { child, said } = yield* vipr("company", "--config", config);
  yield* until("ready", () => /^ready$/m.test(said.text) || child.exitCode !== null, said, START_TURNS);
  if (child.exitCode !== null) throw new Error(said.text);
  return { child, said };
});
