/** Which format a record file has, by its first bytes. Where several formats begin alike, the configuration has to say. */
import { isFreeswitchRow } from "./freeswitch-reader.ts";
import { utf8Of, withoutMark } from "./lines.ts";
import type { RecordFormat } from "./reader.ts";

const SIGNS: ReadonlyArray<readonly [RegExp, RecordFormat]> = [
  [/^"?cdrRecordType"?,/i, "cucm"],
  [/^acctid,/i, "grandstream"],
  [/^id,start_time,end_time,/i, "kamailio-table"],
  [/^Call \d+,/, "3cx"],
  [/\|SBCReportType\s*\|/, "audiocodes"],
  [/\bACC: call (ended|missed)/, "opensips"],
  [/\bACC: transaction answered|\bstart_time=.*end_time=/, "kamailio"],
  [
    /^"?(CHAN_START|CHAN_END|ANSWER|HANGUP|BRIDGE_ENTER|BRIDGE_EXIT|APP_START|LINKEDID_END|BLINDTRANSFER)"?,|^eventtype,/i,
    "asterisk-cel",
  ],
  [/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d,\d\d:\d\d:\d\d,\d+,/, "avaya-smdr"],
  [/^\d{10},\d+,\d,[12],"/, "cube"],
  [/^(<\?xml[^>]*>\s*)?<cdr[\s>]/, "freeswitch-xml"],
  [/^\{"core-uuid":|^\{\s*"core-uuid":/, "freeswitch-json"],
  [/"type":\s*30012,.*"msg":/, "yeastar"],
  [/getDirectRoutingCalls|directRoutingLogRow|"trunkFullyQualifiedDomainName"/, "teams"],
  [/^\{"(?:clid|src|dst|accountcode|channel)":/, "asterisk-json"],
  [/^\{.*"end":/, "jsonl"],
];

/** Undefined where the first bytes could be of several formats, or of none. */
export const formatOf = (head: Uint8Array): RecordFormat | undefined => {
  const text = utf8Of(head.subarray(Math.max(0, withoutMark(head)))).trimStart();
  const found = SIGNS.find(([sign]) => sign.test(text))?.[1];
  if (found !== undefined) return found;
  const [first = ""] = text.split(/\r?\n/, 1);
  return isFreeswitchRow(first) ? "freeswitch-csv" : undefined;
};
