/**
 * Telephones by sipp: a scenario is a list of steps, written out as its XML.
 *
 *   caller([send("INVITE"), recv(180), recv(200), send("ACK"), pause(100), send("BYE"), recv(200)])
 *
 * What a caller sends within the call goes by the Record-Routes that it has heard of; a called one repeats what came.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect } from "effect";
import { bound } from "./bound.ts";
import { HOST } from "./peers.ts";

export type Body = "plain" | "secured" | "hold";
export interface Step {
  readonly xml: (side: "caller" | "called") => string;
}

const sdpOf = (body: Body): string => {
  const secured = body === "secured";
  return [
    "v=0",
    "o=- 1 1 IN IP4 [local_ip]",
    "s=-",
    "c=IN IP4 [local_ip]",
    "t=0 0",
    `m=audio 40000 ${secured ? "RTP/SAVP" : "RTP/AVP"} 8`,
    ...(secured ? [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${"A".repeat(40)}`] : []),
    `a=${body === "hold" ? "sendonly" : "sendrecv"}`,
    "",
  ].join("\n");
};
const bodyLines = (body: Body | undefined): string =>
  body === undefined
    ? "Content-Length: 0\n\n"
    : `Content-Type: application/sdp\nContent-Length: [len]\n\n${sdpOf(body)}`;

/** The number that is called; the last digits are the call's. */
const CALLED = "+4930555[call_number]";
export const CALLER = "+14085550201";

export interface Words {
  readonly body?: Body;
  readonly cseq?: number;
  /** Header lines. */
  readonly lines?: ReadonlyArray<string>;
  /** The branch of the INVITE: for CANCEL, and for the ACK of a refusal. */
  readonly isSameBranch?: boolean;
  /** Of a caller, in each of its requests; another one for each call by default. */
  readonly called?: string;
}
/** A request of the caller's, or, once the call is up, of either side. */
export const send = (method: string, { body, cseq, lines = [], isSameBranch, called = CALLED }: Words = {}): Step => ({
  xml: (side) => {
    const opens = method === "INVITE" && (cseq === undefined || cseq < 0);
    const number = Math.abs(cseq ?? (method === "BYE" ? 9 : 1));
    const isHop = opens || isSameBranch === true;
    const [uri, from, to] =
      side === "caller"
        ? [
            isHop ? `sip:${called}@[remote_ip]:[remote_port]` : "[next_url]",
            `From: "Anna Field" <sip:${CALLER}@[local_ip]:[local_port]>;tag=[pid]c[call_number]`,
            `To: <sip:${called}@[remote_ip]:[remote_port]>${opens || method === "CANCEL" ? "" : "[peer_tag_param]"}`,
          ]
        : ["[next_url]", "From: [$me]", "To: [$you]"];
    return `<send ${method === "ACK" ? "" : 'retrans="500"'}><![CDATA[
${method} ${uri} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-${isSameBranch ? "INVITE" : method}${number}
${isHop ? "" : "[routes]\n"}Max-Forwards: 70
${from}
${to}
Call-ID: [call_id]
CSeq: ${number} ${method}
Contact: <sip:phone@[local_ip]:[local_port];transport=[transport]>
${lines.map((line) => `${line}\n`).join("")}${bodyLines(body)}]]></send>`;
  },
});

export interface Heard {
  readonly isOptional?: boolean;
  readonly auth?: boolean;
}
export const recv = (status: number, { isOptional, auth }: Heard = {}): Step => ({
  xml: () =>
    `<recv response="${status}" ${isOptional ? 'optional="true"' : ""} ${auth ? 'auth="true"' : ""} rrs="true"></recv>`,
});
/** One that sets no route: BYE's, which needs no Contact. */
export const recvLast = (status: number): Step => ({ xml: () => `<recv response="${status}"></recv>` });
export const maybe = (...statuses: ReadonlyArray<number>): Step => ({
  xml: (side) => statuses.map((status) => recv(status, { isOptional: true }).xml(side)).join("\n"),
});
export const pause = (ms: number): Step => ({ xml: () => `<pause milliseconds="${ms}"/>` });

/** A request from the other side. */
export const hear = (method: string, isOptional = false): Step => ({
  xml: () => `<recv request="${method}" ${isOptional ? 'optional="true"' : ""} rrs="true" crlf="true"></recv>`,
});
export const answer = (status: number, { body, lines = [] }: Words = {}): Step => ({
  xml: (side) => `<send ${status >= 200 ? 'retrans="500"' : ""}><![CDATA[
SIP/2.0 ${status} Word
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:]${side === "called" ? ";tag=[pid]s[call_number]" : ""}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:phone@[local_ip]:[local_port];transport=[transport]>
${lines.map((line) => `${line}\n`).join("")}${bodyLines(body)}]]></send>`,
});
/** To a request within the call, which is tagged already. */
export const answerWithin = (status: number, { body, lines = [] }: Words = {}): Step => ({
  xml: () => `<send><![CDATA[
SIP/2.0 ${status} Word
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:phone@[local_ip]:[local_port];transport=[transport]>
${lines.map((line) => `${line}\n`).join("")}${bodyLines(body)}]]></send>`,
});

const scenarioOf = (side: "caller" | "called", steps: ReadonlyArray<Step>): string =>
  `<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="${side}">\n${steps.map((step) => step.xml(side)).join("\n")}\n</scenario>\n`;

export interface Sipp {
  readonly port: number;
  /** Where it sends to; undefined for a called one. */
  readonly to?: number;
  readonly steps: ReadonlyArray<Step>;
  readonly transport?: "UDP" | "TCP";
  readonly calls?: number;
  readonly atOnce?: number;
}

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-sipp-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

export interface Running {
  /** Until it ends; fails where a call did not go as its steps say. */
  readonly ended: Effect.Effect<void>;
}

/** A called one listens when it is given. */
export const sipp = ({ port, to, steps, transport = "UDP", calls = 1, atOnce = 1 }: Sipp) =>
  Effect.gen(function* () {
    const at = yield* folder;
    const side = to === undefined ? "called" : "caller";
    const [scenario, errors] = [join(at, "scenario.xml"), join(at, "errors")];
    writeFileSync(scenario, scenarioOf(side, steps));
    const child: ChildProcess = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(
          "sipp",
          [
            ...(to === undefined ? [] : [`${HOST}:${to}`]),
            ...["-sf", scenario, "-i", HOST, "-p", String(port), "-m", String(calls), "-nostdin"],
            ...["-t", transport === "UDP" ? "u1" : "t1", "-r", String(atOnce), "-l", String(atOnce)],
            ...[
              "-timeout",
              "20s",
              "-timeout_error",
              "-trace_err",
              "-error_file",
              errors,
              "-au",
              "anna",
              "-ap",
              "secret",
            ],
            ...["-max_socket", "2000"],
          ],
          { stdio: ["ignore", "ignore", "ignore"] },
        ),
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL")),
    );
    if (side === "called") yield* bound(port, transport);
    const ended = Effect.callback<number>((resume) => {
      if (child.exitCode !== null) resume(Effect.succeed(child.exitCode));
      else child.on("close", (code) => resume(Effect.succeed(code ?? -1)));
    }).pipe(
      Effect.flatMap((code) => {
        if (code === 0) return Effect.void;
        let said = "";
        try {
          said = readFileSync(errors, "utf8").slice(0, 2_000);
        } catch {}
        return Effect.die(new Error(`the ${side} at ${port} ended with ${code}\n${said}`));
      }),
    );
    return { ended } satisfies Running as Running;
  });

const REMEMBERED = ["via1", "via2"] as const;
/** An INVITE whose way back is remembered, of one or two hops: a CANCEL, which has another, comes before its answer. */
export const hearInvite = (hops: 1 | 2 = 2): Step => ({
  xml: () => `<recv request="INVITE" rrs="true" crlf="true"><action>
${REMEMBERED.slice(0, hops)
  .map((via, i) => `<ereg regexp=".*" search_in="hdr" header="Via:" occurrence="${i + 1}" assign_to="${via}"/>`)
  .join("\n")}
</action></recv>`,
});
/** To the INVITE, after the CANCEL has been answered. */
export const answerCancelled = (hops: 1 | 2 = 2): Step => ({
  xml: () => `<send><![CDATA[
SIP/2.0 487 Request Terminated
${REMEMBERED.slice(0, hops)
  .map((via) => `Via:[$${via}]`)
  .join("\n")}
[last_From:]
[last_To:];tag=[pid]s[call_number]
[last_Call-ID:]
CSeq: 1 INVITE
Content-Length: 0

]]></send>`,
});
