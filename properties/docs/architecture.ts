/**
 * docs/architecture.md and its picture, from what is on disk: the rooms of each floor, and which floor imports from which.
 * `VIPR_TABLES=write` writes them anew. The ways of a call are the same as in docs/protocol.md.
 */
import { globSync, readFileSync } from "node:fs";
import { box, path, picture, text } from "../kit/svg.ts";

/** In the order of imports: a file imports from its own floor or from one before it. */
export const FLOORS = ["codecs", "machines", "actors", "runtime"] as const;
export type Floor = (typeof FLOORS)[number];

const WORK: Readonly<Record<Floor, string>> = {
  codecs: "bytes and texts <-> values",
  machines: "event and state -> state and orders: no clock, no socket, no promise",
  actors: "orders -> effects, what happens -> events: hosts of machines, ports",
  runtime: "ports -> the world: sockets, keys, stores, commands, the page",
};

/** Rooms without a mod.ts: nobody enters them but the programs, file by file. */
const UNLISTED: Readonly<Record<string, string>> = {
  "runtime/arithmetic": "Powers in the SRP groups, in threads, in a time that does not depend on the secret.",
  "runtime/cli": "The commands: one file reads options and builds layers, `serve-*.ts` is the program.",
  "runtime/command": "The tables of all commands, from which options, help, completion and docs/command.md are made.",
  "runtime/demo": "The demonstration: a federation on this machine, its telephone network, thief and spammer.",
  "runtime/federation": "Whole federations from a seed, on virtual time, with faults, adversaries and checkers.",
  "runtime/fuzz": "`vipr fuzz`: laws of machines and codecs, run until one breaks.",
  "runtime/memory": "The fourth runtime: a seeded network and virtual time.",
  "runtime/metrics": "Metrics in Prometheus' form.",
  "runtime/page": "The page that shows a company's programs, and what it is served by.",
  "runtime/records": "Files of call records, followed as they grow.",
  "runtime/simulate": "Thousands of nodes in one process, on virtual time.",
  "runtime/store": "The Store port on SQLite and on PostgreSQL.",
  "runtime/traces": "Spans for OpenTelemetry.",
};

export interface Room {
  readonly floor: Floor;
  readonly name: string;
  /** What it is about, in the words of its mod.ts. */
  readonly subject: string;
}

const subjectOf = (folder: string): string => {
  const [file] = globSync(`${folder}/mod.ts`);
  if (file === undefined) return UNLISTED[folder] ?? "";
  return /^\/\*\*\s*(?:\* )?(.*?)\s*(?:\*\/|\n)/
    .exec(readFileSync(file, "utf8"))![1]!
    .replace(/ DECISIONS\.md D-\d+\.?/, "");
};

export const roomsOf = (floor: Floor): ReadonlyArray<Room> =>
  globSync(`${floor}/*/`)
    .map((folder) => folder.replaceAll("\\", "/").replace(/\/$/, ""))
    .sort()
    .map((folder) => ({ floor, name: folder.slice(floor.length + 1), subject: subjectOf(folder) }));

/** How many files of a floor import from another folder. */
export const importsBetween = (from: Floor, to: string): number =>
  globSync(`${from}/**/*.ts`).filter((file) => new RegExp(`from "(?:\\.\\./)+${to}/`).test(readFileSync(file, "utf8")))
    .length;

const WIDTH = 520;
const EDGE = 16;

/** Two companies, and the three ways between them. */
const companies = (): ReadonlyArray<string> => {
  const parts: Array<string> = [text(EDGE, 30, "A call between two companies", { size: 17, isBold: true })];
  const columns = [EDGE, WIDTH - EDGE - 132] as const;
  const rows = [
    { y: 48, name: "PBX", note: "" },
    { y: 118, name: "call agent", note: "vipr agent" },
    { y: 206, name: "border element", note: "vipr border" },
    { y: 294, name: "ViPR server", note: "vipr server" },
  ];
  for (const [i, x] of columns.entries()) {
    for (const { y, name, note } of rows) {
      parts.push(box(x, y, 132, note === "" ? 34 : 46));
      parts.push(text(x + 66, y + (note === "" ? 22 : 20), name, { anchor: "middle", isBold: true }));
      if (note !== "") parts.push(text(x + 66, y + 37, note, { anchor: "middle", size: 12, className: "quiet" }));
    }
    const outer = i === 0 ? x + 20 : x + 112;
    const inner = i === 0 ? x + 66 : x + 66;
    parts.push(path(`M${inner} 82V118M${inner} 164V206`, "wire"));
    parts.push(path(`M${outer} 164V206M${outer} 252V294`, "wire", ' stroke-dasharray="3 3"'));
    parts.push(
      text(inner + 7, 105, "SIP", { size: 12, className: "quiet" }),
      text(inner + 7, 190, "SIP", { size: 12, className: "quiet" }),
    );
    parts.push(
      text(i === 0 ? outer + 7 : outer - 7, 278, "VAP", {
        size: 12,
        className: "quiet",
        anchor: i === 0 ? "start" : "end",
      }),
    );
  }
  const [left, right] = [columns[0] + 132, columns[1]];
  const ways = [
    { y: 141, title: "1  first call", note: "the telephone network" },
    { y: 317, title: "2  afterwards", note: "RELOAD: who claims it?" },
    { y: 229, title: "3  each later call", note: "SIP over TLS, a ticket" },
  ];
  for (const [i, { y, title, note }] of ways.entries()) {
    parts.push(path(`M${left} ${y}H${right - 7}`, `way${i}`, ' stroke-width="2.5"'));
    parts.push(path(`M${right - 1} ${y}l-9 -5v10z`, `dot${i}`));
    parts.push(text(WIDTH / 2, y - 8, title, { anchor: "middle", className: `way${i}`, isBold: true }));
    parts.push(text(WIDTH / 2, y + 18, note, { anchor: "middle", size: 13 }));
  }
  parts.push(text(WIDTH / 2, 352, "PVP: who took that call?", { anchor: "middle", size: 13 }));
  return parts;
};

/** A floor's rooms as words in lines that fit. */
const linesOf = (rooms: ReadonlyArray<Room>): ReadonlyArray<string> => {
  const lines: Array<string> = [];
  for (const { name } of rooms) {
    const last = lines.at(-1);
    if (last === undefined || last.length + name.length > 58) lines.push(name);
    else lines[lines.length - 1] = `${last} \u00b7 ${name}`;
  }
  return lines;
};

const floors = (top: number): { readonly parts: ReadonlyArray<string>; readonly height: number } => {
  const parts: Array<string> = [text(EDGE, top, "Inside each program: four floors", { size: 17, isBold: true })];
  let y = top + 16;
  for (const floor of [...FLOORS].reverse()) {
    const lines = linesOf(roomsOf(floor));
    const height = 56 + 19 * lines.length;
    parts.push(box(EDGE, y, WIDTH - 2 * EDGE, height));
    parts.push(text(EDGE + 12, y + 22, `${floor}/`, { isBold: true, size: 15 }));
    parts.push(text(EDGE + 12, y + 41, WORK[floor], { size: 13, className: "quiet" }));
    for (const [i, line] of lines.entries()) parts.push(text(EDGE + 12, y + 63 + 19 * i, line, { size: 13 }));
    y += height;
    if (floor !== "codecs") {
      parts.push(
        path(`M${WIDTH / 2} ${y}v17`, "wire", ' stroke-width="1.5"'),
        path(`M${WIDTH / 2} ${y + 23}l-5 -8h10z`, "head"),
      );
      parts.push(text(WIDTH / 2 + 10, y + 16, "imports", { size: 12, className: "quiet" }));
    }
    y += 24;
  }
  parts.push(text(EDGE, y + 2, "A room of one role has the same name on every floor. Never upwards:", { size: 13 }));
  parts.push(
    text(EDGE, y + 21, "a machine knows no actor, a codec no machine. properties/ tests them all.", { size: 13 }),
  );
  return { parts, height: y + 36 };
};

export const architecturePicture = (): string => {
  const below = floors(404);
  return picture(
    WIDTH,
    below.height,
    "ViPR: programs, ways of a call, and floors",
    "Above: two companies, each with a PBX, a call agent, a border element and a ViPR server. The first call takes the telephone network between the call agents. Afterwards the ViPR servers look the number up in the RELOAD overlay and prove the call by PVP. Later calls go by SIP over TLS with a ticket between the border elements. Below: the floors runtime, actors, machines and codecs, each importing from those under it, with the names of their rooms.",
    [...companies(), path(`M${EDGE} 376H${WIDTH - EDGE}`, "rule"), ...below.parts],
  );
};

/** Every role, and the floors that have a room for it. */
export const roomsTable = (): string => {
  const rooms = FLOORS.flatMap(roomsOf);
  const names = [...new Set(rooms.map(({ name }) => name))].sort();
  const rows = names.map((name) => {
    const its = rooms.filter((room) => room.name === name);
    const floors = its.map((room) => `[${room.floor}](../${room.floor}/${name})`).join(", ");
    return `| \`${name}\` | ${floors} | ${its[0]!.subject.replaceAll("|", "\\|")} |`;
  });
  return ["| role | rooms | what it is about |", "|---|---|---|", ...rows].join("\n");
};
