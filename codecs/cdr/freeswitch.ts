/**
 * FreeSWITCH's call records, one for each leg, whatever their format and template. mod_cdr_csv, mod_json_cdr, mod_xml_cdr.
 *
 *   sip_gateway_name, or a trunk's channel name --> that leg is the telephone call; sent if it went out, else received
 *   a telephone's leg whose other side is a trunk (`bridge_channel`, `last_arg`) --> sent, with the times of that leg
 *   no names of channels at all ("example") --> the numbers decide; the trunk's leg is the other one of an outgoing call
 *
 * A transfer exchanges caller and destination of the trunk's leg; what they were before stands in the channel's name, in the
 * oldest profile, and in `sip_req_user`.
 */
import type { Place } from "./place.ts";
import { type CdrRow, faultRow, legOf, legRow, type NumberText, numberText } from "./row.ts";
import type { TrunkOf } from "./trunks.ts";
import { instantOf } from "./written-time.ts";
import type { Zone } from "./zone.ts";

export interface FreeswitchOptions {
  readonly zone: Zone;
  readonly trunkOf: TrunkOf;
}

/** A variable's value; empty where there is none. */
export type Variables = (name: string) => string;

/** Caller and destination with which the call began, where the record has them. */
export interface OldestProfile {
  readonly caller: string;
  readonly destination: string;
}

export const freeswitchRow = (
  of: Variables,
  place: Place,
  options: FreeswitchOptions,
  oldest?: OldestProfile,
): CdrRow => {
  const times = timesOf(of, options.zone);
  if (typeof times === "string") return faultRow(place, "badLine", times);
  const channel = of("channel_name");
  if (channel === "" && of("sip_gateway_name") === "") return legRow(place, byNumbers(of, times));
  const trunk = trunkIn(of, options.trunkOf);
  if (trunk !== undefined) return legRow(place, trunkLeg(of, times, trunk.name, oldest));
  const other = otherTrunk(of, options.trunkOf);
  return other === undefined
    ? faultRow(place, "noTrunk", undefined, times.endMs)
    : legRow(place, bridged(of, times, other));
};

interface Times {
  readonly startMs: number;
  readonly answerMs: number | undefined;
  readonly endMs: number;
}

const timesOf = (of: Variables, zone: Zone): Times | string => {
  const at = (what: string) =>
    instantOf(of(`${what}_uepoch`), zone) ??
    instantOf(of(`${what}_epoch`), zone) ??
    instantOf(of(`${what}_stamp`), zone);
  const [answerMs, endMs] = [at("answer"), at("end")];
  const startMs = at("start") ?? answerMs ?? endMs; // some templates have no start
  if (startMs === undefined) return "start is not a time";
  if (endMs === undefined) return "end is not a time";
  if (endMs < (answerMs ?? startMs)) return "end before start or answer";
  return { startMs, answerMs, endMs };
};

const GATEWAY = /^sofia\/(?:gateway\/([^/]+)|external)\/(.+)$/;

const trunkIn = (of: Variables, trunkOf: TrunkOf): { readonly name: string | undefined } | undefined => {
  const gateway = of("sip_gateway_name") || of("sip_gateway");
  const name =
    (gateway === "" ? undefined : (trunkOf(gateway) ?? trunkOf(`sofia/gateway/${gateway}`))) ??
    trunkOf(of("channel_name"));
  if (name !== undefined) return { name };
  // FreeSWITCH's gateways are trunks, and so is its profile `external`, even where no trunk of the configuration has the name.
  return gateway !== "" || GATEWAY.test(of("channel_name")) ? { name: undefined } : undefined;
};

const trunkLeg = (of: Variables, times: Times, trunk: string | undefined, oldest: OldestProfile | undefined) => {
  const isSent = of("direction") === "outbound" || (of("direction") === "" && of("originating_leg_uuid") !== "");
  const numbers = isSent
    ? {
        calling: numberText(
          oldest?.caller || of("pre_transfer_caller_id_number") || of("caller_id_number"),
          "callerFromPbx",
        ),
        called: numberText(userIn(of("channel_name")) || oldest?.destination || of("destination_number"), "toTrunk"),
      }
    : {
        calling: numberText(of("sip_from_user") || oldest?.caller || of("caller_id_number"), "callerFromTrunk"),
        called: whole(
          of("sip_req_user") || of("sip_to_user") || oldest?.destination || of("destination_number"),
          !hasDid(of, oldest),
        ),
      };
  return legOf({ key: of("uuid"), trunk, side: isSent ? "sent" : "received", ...times, ...numbers });
};

const hasDid = (of: Variables, oldest: OldestProfile | undefined): boolean =>
  of("sip_req_user") !== "" || of("sip_to_user") !== "" || oldest !== undefined;

/** `sofia/external/+12125550142@host`, `sofia/gateway/carrier/+12125550142` */
const userIn = (channel: string): string => channel.slice(channel.lastIndexOf("/") + 1).replace(/@.*$/, "");

const otherTrunk = (of: Variables, trunkOf: TrunkOf) => {
  const text = [of("bridge_channel"), of("last_arg")].find((one) => GATEWAY.test(one) || trunkOf(one) !== undefined);
  if (text === undefined) return undefined;
  const gateway = GATEWAY.exec(text)?.[1];
  return { text, trunk: trunkOf(text) ?? (gateway === undefined ? undefined : trunkOf(gateway)) };
};

const bridged = (
  of: Variables,
  times: Times,
  { text, trunk }: { readonly text: string; readonly trunk: string | undefined },
) =>
  legOf({
    key: of("bridge_uuid") || of("bleg_uuid") || of("uuid"),
    trunk,
    side: "sent",
    ...times,
    calling: numberText(of("caller_id_number"), "callerFromPbx"),
    called: numberText(userIn(text.replace(/,.*$/, "")), "toTrunk"),
  });

/**
 * A record without channel names. Of a call that went out it is the telephone's leg, and the trunk's is the other one (`bleg_uuid`);
 * after a transfer the trunk's leg has a row of its own, which cannot be told from a call that came in.
 */
const byNumbers = (of: Variables, times: Times) => {
  const [caller, destination] = [of("caller_id_number") || of("ani"), of("destination_number")];
  const isOut = !isWhole(caller) && isWhole(destination);
  return legOf({
    key: (isOut ? of("bleg_uuid") : "") || of("uuid") || `${caller} ${destination} ${times.startMs}`,
    party: of("uuid"),
    ...times,
    calling: numberText(caller, isOut ? "callerFromPbx" : "callerFromTrunk"),
    called: isOut ? numberText(destination, "dialled") : whole(destination, true),
  });
};

/** Seven digits: no extension has as many. */
const WHOLE = /[0-9].*[0-9].*[0-9].*[0-9].*[0-9].*[0-9].*[0-9]/;
const isWhole = (text: string): boolean => WHOLE.test(text);

/** `isLast`: the text may be where the call ended up, and not the number that was called: an extension is then left out. */
const whole = (text: string, isLast: boolean): NumberText | undefined =>
  isLast && !isWhole(text) ? undefined : numberText(text, "calledFromTrunk");
