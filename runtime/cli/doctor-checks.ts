/** What `vipr doctor` looks at, in the order in which it is told. Nothing is changed. */
import process from "node:process";
import { Effect } from "effect";
import { addressText } from "../../actors/admin/mod.ts";
import type { Https, Keys } from "../../actors/ports/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { Configuration, ViprConfig } from "../config/mod.ts";
import { sampleOf, sumOf } from "../metrics/read.ts";
import { whyNotHere } from "./begin.ts";
import { CONFIG_FILE, whyAbsent } from "./config-file.ts";
import { certificateFindings } from "./doctor-certificates.ts";
import { type Finding, fault, good, unknown, warning, whyNotConnected } from "./doctor-finding.ts";
import { folderFindings } from "./doctor-folders.ts";
import { overlayFindings } from "./doctor-overlay.ts";
import { CLOCK_WARN_MS } from "./member-clock.ts";
import { type ProgramState, programsOf, stateOf } from "./program-state.ts";
import { configuredServer } from "./server-config.ts";

const CLOCK_FAULT_S = 2.5;
const EVERY = ["0.0.0.0", "::"];

/** `begin` is told what is looked at next: what does not answer takes its time. */
export const checksOf = (
  configuration: Configuration,
  begin: (what: string) => void,
): Effect.Effect<ReadonlyArray<Finding>, never, Https | Keys> =>
  Effect.gen(function* () {
    const looking = <A, R>(what: string, look: Effect.Effect<A, never, R>): Effect.Effect<A, never, R> =>
      Effect.suspend(() => {
        begin(what);
        return look;
      });
    const { config } = configuration;
    const unfit = whyNotHere();
    const programs = programsOf(config);
    const asked = Effect.forEach(programs, (one) => stateOf(one.program, one.data), { concurrency: 3 });
    const states = yield* looking("programs", asked);
    const server = states.find(({ program }) => program === "server");
    return [
      configurationFinding(),
      unfit === undefined ? good("runtime", process.version) : fault("runtime", "usage", unfit, "install a newer one"),
      ...(programs.length === 0
        ? [warning("programs", "the configuration names none", "data, and [server], [agent] or [border]")]
        : []),
      ...states.map(programFinding),
      ...(yield* looking("directories", Effect.forEach(states, folderFindings))).flat(),
      ...(yield* looking("ports", portFindings(config, states))),
      ...(yield* looking("certificates", certificateFindings(config, states))),
      ...(server === undefined ? [] : yield* looking("the overlay", overlayFindings(config, server))),
      ...(server === undefined ? [] : [clockFinding(server), accountFinding(server)]),
    ];
  });

const configurationFinding = (): Finding => {
  const absent = whyAbsent();
  return absent === undefined
    ? good("configuration", "is taken")
    : fault("configuration", "usage", `there is no ${CONFIG_FILE} here`, "--config FILE, or vipr config init");
};

const programFinding = ({ program, at, ready, reasons, data }: ProgramState): Finding => {
  if (ready === true) return good(program, `runs and is ready, admin ${addressText(at!)}`);
  if (ready === false)
    return fault(
      program,
      "unreachable",
      `runs and is not ready: ${reasons.join(", ")}`,
      "the findings below, and its log",
    );
  return at === undefined
    ? warning(program, `does not run: no admin port in ${data}`, `systemctl start vipr-${program}`)
    : fault(
        program,
        "unreachable",
        `does not answer at ${addressText(at)}`,
        `killed, or stuck? systemctl restart vipr-${program}`,
      );
};

interface Port {
  readonly key: string;
  readonly at: Endpoint;
  /** Where others are told to connect, if that is another address. */
  readonly told?: Endpoint | undefined;
  readonly isUp: boolean;
}

/** TCP ports of the programs: from inside, and at the address that others are told. */
const portFindings = Effect.fnUntraced(function* (config: ViprConfig, states: ReadonlyArray<ProgramState>) {
  const isUp = (program: string) => states.find((one) => one.program === program)?.ready === true;
  const ports: Array<Port> = [];
  if (states.some(({ program }) => program === "server")) {
    const settings = yield* Effect.option(configuredServer(config));
    if (settings._tag === "None")
      return [
        fault("server", "usage", "its addresses are not complete", "vipr server --config says which key is missing"),
      ];
    const { listen, advertise, pvp, advertisePvp, vap } = settings.value;
    ports.push({ key: "server.listen", at: listen, told: advertise, isUp: isUp("server") });
    ports.push({ key: "server.pvp", at: pvp, told: advertisePvp, isUp: isUp("server") });
    ports.push({ key: "server.vap", at: vap, isUp: isUp("server") });
  }
  if (config.border.outside !== undefined)
    ports.push({ key: "border.outside", at: config.border.outside, told: config.agent.public, isUp: isUp("border") });
  return (yield* Effect.forEach(ports, portFinding, { concurrency: 4 })).flat();
});

const portFinding = Effect.fnUntraced(function* ({ key, at, told, isUp }: Port) {
  const inside = { host: EVERY.includes(at.host) ? (at.host === "::" ? "::1" : "127.0.0.1") : at.host, port: at.port };
  if (at.port === 0) return [unknown(key, "takes a free port at each start")];
  const why = yield* whyNotConnected(inside);
  if (!isUp)
    return [
      why === undefined
        ? fault(
            key,
            "portTaken",
            `${addressText(inside)} is taken by another program`,
            `ss -ltnp 'sport = :${at.port}'`,
          )
        : good(key, `${addressText(inside)} is free`),
    ];
  const found = [
    why === undefined
      ? good(key, `listens at ${addressText(inside)}`)
      : fault(key, "portTaken", `nobody listens at ${addressText(inside)}: ${why}`, "its log says why"),
  ];
  if (told === undefined || addressText(told) === addressText(inside)) return found;
  const outside = yield* whyNotConnected(told);
  return [
    ...found,
    outside === undefined
      ? good(`${key} as told`, `${addressText(told)} leads here, from this machine`)
      : warning(
          `${key} as told`,
          `${addressText(told)} does not lead here from this machine: ${outside}`,
          `from outside: vipr doctor --reach ${addressText(told)}; a router may only refuse the way back inside`,
        ),
  ];
});

const clockFinding = ({ ready, metrics }: ProgramState): Finding => {
  const offset = sampleOf(metrics, "vipr_clock_offset_seconds");
  if (offset === undefined)
    return unknown(
      "clock",
      ready === undefined ? "the server does not run" : "no neighbour in the overlay has told its time",
    );
  const off = Math.abs(offset);
  const what = `${off.toFixed(3)} s ${offset > 0 ? "behind" : "ahead of"} the overlay's nodes`;
  const todo = "chronyc tracking, or timedatectl: a proof tolerates 2.5 s between two clocks";
  if (off >= CLOCK_FAULT_S) return fault("clock", "clock", what, todo);
  return off * 1_000 >= CLOCK_WARN_MS ? warning("clock", what, todo) : good("clock", what);
};

const accountFinding = ({ ready, metrics }: ProgramState): Finding => {
  if (ready === undefined) return unknown("account", "the server does not run");
  const times = sumOf(metrics, "vipr_log_events_total", { event: "reload.sameNode" });
  return times === 0
    ? good("account", "nobody else was met with this Node-ID since the start")
    : fault(
        "account",
        "refused",
        `another node showed this Node-ID ${times} times`,
        "one account runs from two directories: give each its own, or stop one",
      );
};
