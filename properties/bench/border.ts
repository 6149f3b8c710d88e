/**
 * A pair of border elements beside a pair of Kamailios: INVITE 180 200 ACK BYE 200 from one company to the other, TCP inside,
 * mutual TLS between, the ticket checked by the second. The same sipp scenario and rate for both, in one run; the cost is the
 * processor time of each pair's own processes.
 *
 *   sipp (agent) -- TCP --> border == TLS ==> border -- TCP --> sipp (agent)
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { mintedFor } from "./border/ticket.ts";
import { type Contest, PeerMissing } from "./kit.ts";

const HOST = "127.0.0.1";
const HERE = new URL("./border/", import.meta.url).pathname;
const MAIN = new URL("../../runtime/main.ts", import.meta.url).pathname;
const CALLS = 1_500;
const RATE = 150;
const TICKS_PER_SECOND = 100;

interface Pair {
  /** Where the caller sends to, and the Route that it shows. */
  readonly inside: number;
  readonly scenario: string;
  readonly caller: number;
  readonly pids: () => ReadonlyArray<number>;
}
const children: Array<ChildProcess> = [];
const folders: Array<string> = [];
process.once("exit", () => {
  for (const child of children) child.kill("SIGTERM"); // killed outright, Kamailio would leave its own processes behind
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
let nextPort = 24_000 + (process.pid % 1_500) * 20;

const isThere = (command: string): boolean => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
const start = (command: string, words: ReadonlyArray<string>, log?: string): ChildProcess => {
  const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (bytes) => {
      if (log === undefined || said.length >= LOG_CHARS_MAX) return;
      said += String(bytes);
      writeFileSync(log, said);
    });
  children.push(child);
  return child;
};
const LOG_CHARS_MAX = 65_536;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const openssl = (folder: string, ...words: ReadonlyArray<string>): void => {
  const { status, stderr } = spawnSync("openssl", words, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${words[0]}: ${stderr}`);
};

/** An authority, and a certificate for each of the two domains. RFC 5922. */
const certified = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-border-"));
  folders.push(folder);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = [
    "-addext",
    "basicConstraints=critical,CA:true",
    "-addext",
    "keyUsage=critical,keyCertSign,cRLSign",
  ];
  openssl(
    folder,
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "30",
    "-subj",
    "/CN=bench",
    ...authority,
  );
  for (const domain of ["acme.example", "bravo.example"]) {
    writeFileSync(
      join(folder, `${domain}.ext`),
      `subjectAltName=URI:sip:${domain},DNS:${domain}\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=critical,CA:false\n`,
    );
    openssl(
      folder,
      "req",
      "-new",
      ...key,
      "-keyout",
      `${domain}.key`,
      "-out",
      `${domain}.csr`,
      "-subj",
      `/CN=${domain}`,
    );
    const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", `${domain}.ext`];
    openssl(folder, "x509", "-req", "-in", `${domain}.csr`, "-out", `${domain}.pem`, "-days", "20", ...by);
  }
  return folder;
};

interface Ports {
  readonly inside: number;
  readonly outside: number;
  readonly agent: number;
}
const portsOf = (): Ports => ({ inside: nextPort++, outside: nextPort++, agent: nextPort++ });

/** The called agent, and what the caller's scenario becomes. */
const opened = (folder: string, bravo: Ports, ticket: string) => {
  start("sipp", ["-sf", join(HERE, "uas.xml"), "-i", HOST, "-p", String(bravo.agent), "-t", "t1", "-nostdin"]);
  const scenario = join(folder, "uac.xml");
  const route = `<sip:x7@bravo.example:${bravo.outside};maddr=${HOST};transport=tls;lr>`;
  const text = readFileSync(join(HERE, "uac.xml"), "utf8");
  writeFileSync(scenario, text.replaceAll("@ROUTE@", route).replaceAll("@TICKET@", ticket));
  return scenario;
};

const SECRET = "a-secret-of-the-bench";

const startOurs = async (): Promise<Pair> => {
  const folder = certified();
  const [acme, bravo] = [portsOf(), portsOf()];
  const border = (domain: string, ports: Ports): ChildProcess => {
    const data = join(folder, domain);
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(
      join(folder, `${domain}.tickets`),
      `domain ${domain}
epoch 1
password ${SECRET}
`,
      { mode: 0o600 },
    );
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
      `secrets-file = "${join(folder, `${domain}.tickets`)}"`,
      "outside-private = true",
      "domain-calls-per-second-max = 5000",
      "domain-calls-max = 20000",
      "",
    ].join("\n");
    const file = join(folder, `${domain}.toml`);
    writeFileSync(file, config);
    return start(process.execPath, [MAIN, "border", "--config", file], join(folder, `${domain}.log`));
  };
  const both = [border("acme.example", acme), border("bravo.example", bravo)];
  const scenario = opened(folder, bravo, await mintedFor(SECRET));
  await wait(4_000);
  return { inside: acme.inside, scenario, caller: acme.agent, pids: () => both.map(({ pid }) => pid!) };
};

const startKamailio = async (): Promise<Pair> => {
  const folder = certified();
  const [acme, bravo] = [portsOf(), portsOf()];
  const ticket = await mintedFor(SECRET);
  const mac = createHmac("sha256", "secret").update(ticket).digest("base64url"); // as its crypto_hmac_sha256 writes it
  const border = (domain: string, ports: Ports, peer: Ports): ChildProcess => {
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
  const both = [border("acme.example", acme, bravo), border("bravo.example", bravo, acme)];
  const scenario = opened(folder, bravo, ticket);
  await wait(4_000);
  const pids = () => both.flatMap(({ pid }) => [pid!, ...childrenOf(pid!)]);
  return { inside: acme.inside, scenario, caller: acme.agent, pids };
};

const childrenOf = (pid: number): ReadonlyArray<number> =>
  spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .stdout.split(/\s+/)
    .filter(Boolean)
    .map(Number);

/** Seconds of processor time that these processes have used. */
const cpuOf = (pids: ReadonlyArray<number>): number =>
  pids
    .filter((pid) => existsSync(`/proc/${pid}/stat`))
    .map((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    })
    .reduce((sum, seconds) => sum + seconds, 0);

/** Calls a second of processor time of the pair, over one run of sipp; fails where one call was lost. */
const measure = async ({ inside, scenario, caller, pids }: Pair): Promise<number> => {
  const before = cpuOf(pids());
  const words = [
    "-sf",
    scenario,
    "-i",
    HOST,
    "-p",
    String(caller),
    "-t",
    "t1",
    "-r",
    String(RATE),
    "-m",
    String(CALLS),
  ];
  const child = start("sipp", [
    `${HOST}:${inside}`,
    ...words,
    "-d",
    "0",
    "-nostdin",
    "-timeout",
    "40s",
    "-trace_err",
    "-error_file",
    `${scenario}.err`,
  ]);
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`sipp ended with ${code}: calls were lost (${scenario}.err)`);
  return CALLS / (cpuOf(pids()) - before);
};

let ours: Promise<Pair> | undefined;
let kamailio: Promise<Pair> | undefined;

export const contests: ReadonlyArray<Contest> = [
  {
    name: "border: calls through a pair, TCP inside, mutual TLS between",
    unit: "1/cpu-s",
    peerName: "two Kamailios",
    ours: async () => {
      if (!isThere("sipp")) throw new Error("sipp is not installed");
      ours ??= startOurs();
      return measure(await ours);
    },
    peer: async () => {
      if (!isThere("kamailio")) throw new PeerMissing("not installed");
      kamailio ??= startKamailio();
      return measure(await kamailio);
    },
    rounds: 3,
    aim: 0.8,
  },
];
