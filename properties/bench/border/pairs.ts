/**
 * The two pairs of border elements, each between two agents of its own: ours, and Kamailio's.
 *
 *   sipp (agent of acme) -- TCP --> acme == TLS ==> bravo -- TCP --> sipp (agent of bravo)
 */
import type { ChildProcess } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { PeerMissing } from "../kit.ts";
import { certified } from "./certified.ts";
import { childrenOf, end, HERE, HOST, isThere, nextPort, start, wait } from "./processes.ts";
import { mintedFor } from "./ticket.ts";

const MAIN = new URL("../../../runtime/main.ts", import.meta.url).pathname;
const SECRET = "a-secret-of-the-bench";
const START_MS = 4_000;

export interface Pair {
  readonly folder: string;
  /** Where the caller sends to, and what it plays. */
  readonly inside: number;
  readonly scenario: string;
  /** The caller's own port, and that of whom it calls. */
  readonly caller: number;
  readonly called: number;
  readonly pids: () => ReadonlyArray<number>;
  /** Calls that either border element still takes for up or being tried; Kamailio counts none. */
  readonly underWay: () => Promise<number>;
  readonly end: () => Promise<void>;
}

interface Ports {
  readonly inside: number;
  readonly outside: number;
  readonly agent: number;
  readonly admin: number;
}
const portsOf = (): Ports => ({ inside: nextPort(), outside: nextPort(), agent: nextPort(), admin: nextPort() });
const NO_ADMIN = async () => 0;
const underWayAt = async ({ admin }: Ports): Promise<number> =>
  ((await (await fetch(`http://${HOST}:${admin}/calls.json`)).json()) as { underWay: number }).underWay;

type StartBorder = (domain: string, ports: Ports, peer: Ports) => ChildProcess;

/** The pair, with the called agent and the caller's scenario. */
const started = async (
  folder: string,
  ticket: string,
  border: StartBorder,
  underWay: (ports: Ports) => Promise<number>,
): Promise<Pair> => {
  if (!isThere("sipp")) throw new Error("sipp is not installed");
  const [acme, bravo] = [portsOf(), portsOf()];
  const both = [border("acme.example", acme, bravo), border("bravo.example", bravo, acme)];
  const agent = start("sipp", ["-sf", join(HERE, "uas.xml"), ...localOf(bravo.agent)]);
  const scenario = join(folder, "uac.xml");
  const route = `<sip:x7@bravo.example:${bravo.outside};maddr=${HOST};transport=tls;lr>`;
  const text = readFileSync(join(HERE, "uac.xml"), "utf8");
  writeFileSync(scenario, text.replaceAll("@ROUTE@", route).replaceAll("@TICKET@", ticket));
  await wait(START_MS);
  return {
    folder,
    inside: acme.inside,
    scenario,
    caller: acme.agent,
    called: bravo.agent,
    pids: () => both.flatMap(({ pid }) => [pid!, ...childrenOf(pid!)]),
    underWay: async () => (await underWay(acme)) + (await underWay(bravo)),
    end: async () => void (await Promise.all([...both, agent].map(end))),
  };
};
export const localOf = (port: number) => ["-i", HOST, "-p", String(port), "-t", "t1", "-nostdin"];

export const startOurs = async (): Promise<Pair> => {
  const folder = certified("acme.example", "bravo.example");
  const border: StartBorder = (domain, ports) => {
    const data = join(folder, domain);
    mkdirSync(data, { mode: 0o700 });
    const secrets = join(folder, `${domain}.tickets`);
    writeFileSync(secrets, `domain ${domain}\nepoch 1\npassword ${SECRET}\n`, { mode: 0o600 });
    const config = [
      `domain = "${domain}"`,
      `data = "${data}"`,
      "[border]",
      `outside = "${HOST}:${ports.outside}"`,
      `inside = ["tcp:${HOST}:${ports.inside}"]`,
      `call-agents = ["tcp:${HOST}:${ports.agent}"]`,
      `certificate-file = "${join(folder, `${domain}.pem`)}"`,
      `key-file = "${join(folder, `${domain}.key`)}"`,
      `ca-file = "${join(folder, "ca.pem")}"`,
      `secrets-file = "${secrets}"`,
      "outside-private = true",
      `admin = "${HOST}:${ports.admin}"`,
      "domain-calls-per-second-max = 5000",
      "domain-calls-max = 20000",
      "",
    ];
    const file = join(folder, `${domain}.toml`);
    writeFileSync(file, config.join("\n"));
    return start(process.execPath, [...RUN, MAIN, "border", "--config", file], join(folder, `${domain}.log`));
  };
  return started(folder, await mintedFor(SECRET), border, underWayAt);
};
const RUN = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];

export const startKamailio = async (): Promise<Pair> => {
  if (!isThere("kamailio")) throw new PeerMissing("not installed");
  const folder = certified("acme.example", "bravo.example");
  const ticket = await mintedFor(SECRET);
  const mac = createHmac("sha256", "secret").update(ticket).digest("base64url"); // as its crypto_hmac_sha256 writes it
  const border: StartBorder = (domain, ports, peer) => {
    const at = join(folder, domain);
    mkdirSync(at);
    const of = (kind: string) =>
      `[${kind}]\nmethod = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\nprivate_key = ${folder}/${domain}.key\ncertificate = ${folder}/${domain}.pem\nca_list = ${folder}/ca.pem\n`;
    writeFileSync(join(at, "tls.cfg"), of("server:default") + of("client:default"));
    const text = readFileSync(join(HERE, "kamailio.cfg"), "utf8")
      .replaceAll("@INSIDE@", String(ports.inside))
      .replaceAll("@OUTSIDE@", String(ports.outside))
      .replaceAll("@AGENT@", String(ports.agent))
      .replaceAll("@PEER@", String(peer.outside))
      .replaceAll("@TLS@", join(at, "tls.cfg"))
      .replaceAll("@MAC@", mac);
    const file = join(at, "kamailio.cfg");
    writeFileSync(file, text);
    const words = ["-f", file, "-x", "fm", "-X", "fm", "-m", "512", "-M", "32", "-DD", "-E", "-Y", at];
    return start("kamailio", words, join(folder, `${domain}.log`));
  };
  return started(folder, ticket, border, NO_ADMIN);
};
