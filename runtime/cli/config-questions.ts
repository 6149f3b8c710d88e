/**
 * What `vipr config init` asks, in its order, and the configuration that the answers make. What an answer may be is what
 * `vipr.toml` takes (runtime/config): it is tried there, and refused in its words.
 */
import { isIP } from "node:net";
import { stringify } from "smol-toml";
import { readConfig } from "../config/mod.ts";
import { ownAddress } from "./own-address.ts";

/** By the option of a question: what was answered, or holds without an answer; absent where nothing does. */
export type Answers = Readonly<Record<string, string>>;

export interface Question {
  readonly option: InitOption;
  readonly text: string;
  /** What holds without an answer; undefined: nothing does, and it has to be answered unless it `isOptional`. */
  readonly initial?: (answers: Answers) => string | undefined;
  readonly isOptional?: boolean;
  /** Not asked where it means nothing. */
  readonly when?: (answers: Answers) => boolean;
  /** The keys of `vipr.toml` that the answer gives, with their values. */
  readonly keys: (answer: string) => ReadonlyArray<readonly [key: string, value: unknown]>;
}

export type InitOption =
  | "domain"
  | "country"
  | "area"
  | "own"
  | "listen"
  | "pbx"
  | "trunk"
  | "data"
  | "authority"
  | "root"
  | "user"
  | "password-file"
  | "public"
  | "outside"
  | "certificate"
  | "key"
  | "ca";

const TRUNK = "carrier";
const [SIP_PORT, SIPS_PORT] = [5_060, 5_061];

const one = (key: string) => (answer: string) => [[key, answer]] as const;
const listIn = (answer: string): ReadonlyArray<string> =>
  answer
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
/** UDP is what exchanges and trunks speak where nobody says otherwise. */
const withTransport = (address: string): string => (/^(udp|tcp|tls):/i.test(address) ? address : `udp:${address}`);
const addressList = (key: string) => (answer: string) => [[key, listIn(answer).map(withTransport)]] as const;

/** `[udp:|tcp:|tls:]host[:port]`, an IPv6 address in brackets. */
const trunkKeys = (answer: string): ReadonlyArray<readonly [string, unknown]> => {
  const [, transport, bracketed, bare, port] =
    /^(?:(udp|tcp|tls):)?(?:\[([^\]]*)\]|([^:]*(?::[^:]*:.*)?))(?::(\d+))?$/i.exec(answer) ?? [];
  return [
    [`trunk.${TRUNK}.host`, bracketed ?? bare ?? answer],
    ...(port === undefined ? [] : [[`trunk.${TRUNK}.port`, Number(port)] as const]),
    ...(transport === undefined ? [] : [[`trunk.${TRUNK}.transport`, transport.toLowerCase()] as const]),
    // The carrier alone shows a certificate, as most do: mutual TLS wants one of ours.
    ...(transport?.toLowerCase() === "tls" ? [[`trunk.${TRUNK}.tls`, "server"] as const] : []),
  ];
};

const FINGERPRINT = /^(?:sha256:)?(?:[0-9a-f]{2}:?){16,}$/i;
const hostOf = (address: string): string =>
  /^(?:(?:udp|tcp|tls):)?\[?(.*?)\]?(?::\d+)?$/i.exec(withTransport(listIn(address)[0] ?? ""))?.[1] ?? "";
const isCalling = ({ public: place }: Answers): boolean => place !== undefined;
const hereOn = (port: number, before = ""): string | undefined => {
  const host = ownAddress("0.0.0.0");
  return host === undefined ? undefined : `${before}${host}:${port}`;
};

export const QUESTIONS: ReadonlyArray<Question> = [
  { option: "domain", text: "The company's domain, of its SIP addresses", keys: one("domain") },
  { option: "country", text: "Where its exchange stands: the country's two letters", keys: one("numbers.country") },
  {
    option: "area",
    text: "The area code of its local numbers, if they are dialled without it",
    isOptional: true,
    keys: one("numbers.area"),
  },
  {
    option: "own",
    text: "Its own numbers, in ranges: +14085550200..+14085550299, +14085550400",
    keys: (answer) => [["numbers.own", listIn(answer)]],
  },
  {
    option: "listen",
    text: "Where the exchange will find its trunk from now on: an address of this machine",
    initial: () => hereOn(SIP_PORT, "udp:"),
    keys: addressList("agent.listen"),
  },
  { option: "pbx", text: "The exchange itself: host:port", keys: addressList("agent.pbx") },
  {
    option: "trunk",
    text: "The carrier's SIP server, where the exchange's trunk led until now: host, host:port, tls:host",
    keys: trunkKeys,
  },
  { option: "data", text: "The directory of what is kept", initial: () => "/var/lib/vipr", keys: one("data") },
  {
    option: "authority",
    text: "The authority of the overlay, as https://authority.example:8443",
    keys: one("server.authority"),
  },
  {
    option: "root",
    text: "The fingerprint of its root (sha256:...), as it prints it, or the file of that root",
    keys: (answer) => [[FINGERPRINT.test(answer) ? "server.fingerprint" : "server.root-file", answer]],
  },
  {
    option: "user",
    text: "The company's account there",
    initial: ({ domain }) => domain?.split(".")[0],
    keys: one("server.user"),
  },
  {
    option: "password-file",
    text: "The file of the account's password",
    initial: () => "/etc/vipr/account",
    keys: one("server.password-file"),
  },
  {
    option: "public",
    text: "Where other companies will reach this one over the Internet: host:port. Without it calls are proved and none is carried",
    isOptional: true,
    keys: one("agent.public"),
  },
  {
    option: "outside",
    text: "The address of this machine behind it",
    when: isCalling,
    initial: ({ public: place = "" }) => (isIP(hostOf(place)) === 0 ? hereOn(SIPS_PORT) : place),
    keys: one("border.outside"),
  },
  {
    option: "certificate",
    text: "The certificate that proves the domain there, in PEM",
    when: isCalling,
    initial: () => "/etc/vipr/border.pem",
    keys: one("border.certificate-file"),
  },
  {
    option: "key",
    text: "The key of that certificate",
    when: isCalling,
    initial: () => "/etc/vipr/border-key.pem",
    keys: one("border.key-file"),
  },
  {
    option: "ca",
    text: "The roots of other companies' certificates",
    when: isCalling,
    initial: () => "/etc/vipr/other-companies.pem",
    keys: one("border.ca-file"),
  },
];

/** The keys of the answers, in the order of the questions. */
const keysIn = (answers: Answers) =>
  QUESTIONS.flatMap(({ option, keys }) => (answers[option] === undefined ? [] : keys(answers[option])));

/** Why an answer cannot be taken, beside those before it; undefined: it can. */
export const objectionOf = (question: Question, answers: Answers, answer: string): string | undefined => {
  const keys = question.keys(answer);
  const settings = keysIn({ ...answers, [question.option]: answer }).map(settingOf);
  const reading = readConfig({ file: "", text: undefined, settings });
  if (reading.type === "read") return undefined;
  const own = keys.map(([key]) => `--set ${key}`);
  return reading.faults.find(({ where }) => own.includes(where))?.why;
};

const settingOf = ([key, value]: readonly [string, unknown]): string =>
  `${key}=${stringify({ value }).slice("value = ".length).trim()}`;

/** `vipr.toml`, with what follows from the answers. */
export const configText = (answers: Answers): string => {
  const keys = [...keysIn(answers), ...mediaKeys(answers)];
  const of = (table: string) => keys.filter(([key]) => key.startsWith(`${table}.`));
  const lines = (entries: typeof keys) =>
    entries.map(([key, value]) => stringify({ [key.slice(key.lastIndexOf(".") + 1)]: value }).trim());
  const tables = ["server", "numbers", "agent", "border", "media"].flatMap((table) =>
    of(table).length === 0 ? [] : ["", `[${table}]`, ...lines(of(table))],
  );
  return [
    "# Made by vipr config init. docs/configuration.md lists every key; vipr config check finds mistakes.",
    ...lines(keys.filter(([key]) => !key.includes("."))),
    ...tables,
    "",
    "[[trunk]]",
    `name = "${TRUNK}"`,
    ...lines(of(`trunk.${TRUNK}`)),
    "",
  ].join("\n");
};

/** Our own relay encrypts where both sides of it are addresses that can be named. */
const mediaKeys = ({ listen = "", outside = "", public: place = "" }: Answers): ReturnType<typeof keysIn> => {
  const [inside, own, others] = [listen, outside, place].map(hostOf) as [string, string, string];
  if ([inside, own].some((host) => isIP(host) === 0 || isEvery(host))) return [];
  const isTranslated = isIP(others) !== 0 && others !== own;
  return [
    ["media.relay", "own"],
    ["media.inside", [inside]],
    ["media.outside", [isTranslated ? `${own}=${others}` : own]],
  ];
};
const isEvery = (host: string): boolean => host === "0.0.0.0" || host === "::";
