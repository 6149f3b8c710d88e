/**
 * Asterisk's channel event log: a row for each event, here of cel_custom as it is shipped (20 columns), of other columns by
 * their names, or by a first line of names.
 *
 *   of a trunk's channel   CHAN_START --> ANSWER --> HANGUP (or CHAN_END): one telephone call, whose key is the uniqueid
 *   of the channel that dialled   appdata of Dial: the number that was sent
 *
 * These are state changes of the trunk's own channel: transfers, parking and queues change nothing. It came in if it was the
 * first channel of all that are linked.
 */

import { keepNewest } from "../shared/mod.ts";
import { csvCutter } from "./csv.ts";
import { dialledIn } from "./dial-string.ts";
import type { Cutter, Place, Position } from "./place.ts";
import { type CdrRow, faultRow, legOf, legRow, ownText, quietRow } from "./row.ts";
import type { TrunkOf } from "./trunks.ts";
import { instantOf } from "./written-time.ts";
import type { Zone } from "./zone.ts";

/** Channels whose end has not come. */
const CHANNELS_MAX = 20_000;

const COLUMNS =
  "eventtype eventtime cid_name cid_num cid_ani cid_rdnis cid_dnid exten context channame appname appdata amaflags accountcode uniqueid linkedid bridgepeer userfield userdeftype eventextra".split(
    " ",
  );
/** Other names of the same columns. */
const ALSO: Readonly<Record<string, string>> = {
  name: "cid_name",
  num: "cid_num",
  dnid: "cid_dnid",
  peer: "bridgepeer",
};

export interface CelOptions {
  readonly zone: Zone;
  readonly trunkOf: TrunkOf;
  /** In their order; by default the shipped ones, or those of a first line. */
  readonly columns: ReadonlyArray<string> | undefined;
}

/** A trunk's channel that is up. */
interface Channel {
  readonly place: Place;
  readonly trunk: string;
  readonly linkedId: string;
  readonly startMs: number;
  readonly caller: string;
  readonly exten: string;
  answerMs: number | undefined;
}
/** What a channel that dialled, or may, has shown. */
interface Dialler {
  caller: string;
  data: string;
}

export const celReader = ({ zone, trunkOf, columns }: CelOptions, from: Position): Cutter<CdrRow> => {
  const cutter = csvCutter(from);
  let names = indexOf(columns ?? COLUMNS);
  const channels = new Map<string, Channel>();
  const diallers = new Map<string, Dialler>();

  const rowOf = (fields: ReadonlyArray<string>, place: Place): CdrRow => {
    const of = (name: string): string => fields[names.get(name) ?? -1] ?? "";
    const atMs = instantOf(of("eventtime"), zone);
    if (atMs === undefined) return faultRow(place, "badLine", "eventtime is not a time");
    const [event, id, channel] = [of("eventtype").toUpperCase(), of("uniqueid"), of("channame")];
    noteDialler(diallers, of);
    const trunk = trunkOf(channel);
    if (trunk === undefined || id === "") return quietRow(place, atMs);
    const open = channels.get(id);
    if (event === "CHAN_START" || event === "1") {
      const linkedId = ownText(of("linkedid") || id);
      const start = {
        place,
        trunk,
        linkedId,
        startMs: atMs,
        caller: ownText(of("cid_num")),
        exten: ownText(of("exten")),
      };
      keepNewest(channels, CHANNELS_MAX, ownText(id), { ...start, answerMs: undefined });
    } else if (event === "ANSWER" && open !== undefined) open.answerMs ??= atMs;
    else if ((event === "HANGUP" || event === "CHAN_END") && open !== undefined) {
      channels.delete(id);
      return { ...legRow(place, callOf(id, channel, open, atMs, diallers)), atMs };
    }
    return quietRow(place, atMs);
  };
  const rows = (records: ReturnType<typeof cutter.push>): ReadonlyArray<CdrRow> =>
    records.map((record) => {
      if (!record.ok) return faultRow(record, "badLine", record.why);
      const first = record.fields[0]!.toLowerCase();
      if (record.line === 1 && (first === "eventtype" || first === "id")) {
        names = indexOf(record.fields);
        return quietRow(record);
      }
      return rowOf(record.fields, record);
    });
  /** Before the begin of a call that is up: its rows are read again after a restart. */
  const at = (): Position => {
    const [oldest] = channels.values();
    return oldest === undefined ? cutter.at() : { offset: oldest.place.offset, line: oldest.place.line };
  };
  return { push: (chunk) => rows(cutter.push(chunk)), end: () => rows(cutter.end()), at };
};

const indexOf = (columns: ReadonlyArray<string>): ReadonlyMap<string, number> =>
  new Map(columns.map((name, i) => [ALSO[name.trim().toLowerCase()] ?? name.trim().toLowerCase(), i] as const));

const noteDialler = (diallers: Map<string, Dialler>, of: (name: string) => string): void => {
  const [id, caller] = [of("uniqueid"), of("cid_num")];
  const data = of("appname") === "Dial" ? of("appdata") : "";
  const before = diallers.get(id);
  if (before !== undefined) {
    if (before.data === "" && data !== "") before.data = ownText(data);
  } else if (id === of("linkedid") && id !== "")
    keepNewest(diallers, CHANNELS_MAX, ownText(id), { caller: ownText(caller), data: ownText(data) });
};

const callOf = (id: string, channel: string, open: Channel, endMs: number, diallers: ReadonlyMap<string, Dialler>) => {
  const { trunk, linkedId, startMs, answerMs, caller, exten } = open;
  const known = { key: `cel ${ownText(id)}`, trunk, startMs, answerMs, endMs };
  if (linkedId === id)
    return legOf({
      ...known,
      side: "received",
      calling: { text: caller, source: "callerFromTrunk" },
      called: { text: exten, source: "calledFromTrunk" },
    });
  const dialler = diallers.get(linkedId);
  const sent = dialler === undefined ? undefined : dialledIn(dialler.data, channel);
  return legOf({
    ...known,
    side: "sent",
    calling: dialler === undefined ? undefined : { text: dialler.caller, source: "callerFromPbx" },
    called: sent === undefined ? undefined : { text: sent, source: "toTrunk" },
  });
};
