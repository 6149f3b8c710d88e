/** `vipr verify-call`: one validation by hand, with a call record from a file, against a real server over sockets. */
import { Effect } from "effect";
import { addressText } from "../../actors/admin/report.ts";
import { Entropy } from "../../actors/ports/mod.ts";
import { validate } from "../../actors/validation/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { bigOf, type NodeId, nodeIdFrom, nodeIdText, type VServiceId, vserviceId } from "../../codecs/shared/mod.ts";
import { isDomain, vserviceText } from "../../codecs/validation/mod.ts";
import { type ClaimVerdict, equivalentBits, methodsFor, TV_MS_MAX } from "../../machines/validation/mod.ts";
import { REQUIRED_BITS_MAX } from "../../machines/vipr/mod.ts";
import { verifyCallTable } from "../command/tables/records.ts";
import { stopped } from "./exit.ts";
import { command, endpointOf, required, Wrong, wholeOf } from "./options.ts";
import { say } from "./output.ts";
import { atWork } from "./progress.ts";
import { runCommand } from "./run.ts";
import { readVcr, type WrittenCall } from "./vcr-file.ts";

const PVP_PORT = 5_621;
const ROUND_S_MAX = 600;

interface Settings {
  readonly call: WrittenCall;
  readonly peer: Endpoint;
  readonly claim: { readonly nodeId: NodeId; readonly vservice: VServiceId };
  /** Undefined: drawn. */
  readonly nodeId: NodeId | undefined;
  readonly domain: string;
  readonly isPrivate: boolean;
  readonly roundMs: number;
  readonly requiredBits: number;
  readonly json: boolean;
}

export const verifyCallCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(verifyCallTable, args, async (values) => {
    if (!isDomain(values.domain)) throw new Wrong(`--domain wants a DNS name in lower case, not "${values.domain}"`);
    const settings: Settings = {
      peer: endpointOf(required(values.peer, "peer", "where the server takes validations"), "peer", PVP_PORT),
      claim: {
        nodeId: nodeOption(required(values["peer-node"], "peer-node", "the server's Node-ID"), "peer-node"),
        vservice: vserviceOption(required(values.vservice, "vservice", "the server's VServiceID")),
      },
      nodeId: values.node === undefined ? undefined : nodeOption(values.node, "node"),
      domain: values.domain,
      isPrivate: values.private,
      roundMs: 1_000 * wholeOf(values.round, "round", 1, ROUND_S_MAX),
      requiredBits: wholeOf(values.required, "required", 1, REQUIRED_BITS_MAX),
      json: values.json,
      call: readVcr(required(values.vcr, "vcr", "a file with the call record")),
    };
    const { nodeLayer } = await import("../node.ts");
    return await runCommand(
      { name: "vipr verify-call", logLevel: "Warn", unfinished: "ended by a signal before there was an answer" },
      Effect.provide(verifyCall(settings), nodeLayer()),
    );
  });

const nodeOption = (text: string, option: string): NodeId => {
  if (!/^[0-9a-f]{32}$/i.test(text)) throw new Wrong(`--${option} wants 32 hexadecimal digits, not "${text}"`);
  return nodeIdFrom(BigInt(`0x${text}`));
};

/** Zeros before it may be left out. */
const vserviceOption = (text: string): VServiceId => {
  if (!/^[0-9a-f]{1,16}$/i.test(text)) throw new Wrong(`--vservice wants 1 to 16 hexadecimal digits, not "${text}"`);
  return vserviceId(BigInt(`0x${text}`));
};

const verifyCall = Effect.fn("cli.verifyCall")(function* (settings: Settings) {
  const { call, peer, claim, domain, isPrivate, roundMs } = settings;
  const { bytes } = yield* Entropy;
  const nodeId = settings.nodeId ?? nodeIdFrom(bigOf(yield* bytes(16)));
  atWork(`${addressText(peer)} is asked ...`);
  const [verdict] = yield* validate(
    { call, nodeId, domain, waitBetweenMs: [0, 0], windowMs: TV_MS_MAX, roundMs, isPrivate },
    { lookUp: () => Effect.succeed([claim]), resolve: () => Effect.succeed(peer) },
  ).pipe(Effect.orDie); // the look-up is ours
  if (verdict === undefined) return yield* Effect.die("one claim, and no verdict");
  const worth = equivalentBits(call, roundMs, methodsFor({ isPrivate, call })[0]);
  say(settings.json ? JSON.stringify(plainOf(verdict, settings)) : textOf(verdict, settings, worth));
  if (verdict.verdict === "unreachable" || verdict.verdict === "broken")
    return yield* stopped("unreachable", `${verdict.verdict}: ${verdict.why}`);
  if (verdict.verdict !== "validated") return yield* stopped("refused", sentenceOf(verdict));
});

const plainOf = (verdict: ClaimVerdict, { requiredBits }: Settings) => ({
  ...verdict,
  nodeId: nodeIdText(verdict.nodeId),
  vservice: vserviceText(verdict.vservice),
  requiredBits,
  isRoute: verdict.verdict === "validated" && verdict.bits >= requiredBits,
});

const sentenceOf = (verdict: ClaimVerdict): string => {
  switch (verdict.verdict) {
    case "validated":
      return `it knows of the call, proved by method ${verdict.method}`;
    case "declined":
      return `it knows of the call, proved by method ${verdict.method}, and grants nothing: ${reasons[verdict.code] ?? verdict.code}`;
    case "refused":
      return "it does not know of the call, or its clock is off by T/4 or more, or the call is locked or one of several";
    default:
      return verdict.why;
  }
};
const reasons: Readonly<Record<number, string>> = {
  403: "our domain is not welcome (403)",
  404: "it has not published the number under this VService (404)",
  503: "not now (503)",
};

const textOf = (verdict: ClaimVerdict, { requiredBits }: Settings, worth: number): string => {
  const bits = (of: number) => `${(Math.round(of * 10) / 10).toFixed(1)} bits`;
  const head = `${verdict.verdict}: ${sentenceOf(verdict)}`;
  if (verdict.verdict !== "validated") return `${head}\n  the call would be worth ${bits(worth)} at most`;
  const { info } = verdict;
  const missing = requiredBits - verdict.bits;
  return [
    head,
    `  worth    ${bits(verdict.bits)} of ${requiredBits}: ${missing <= 0 ? "enough for a route" : `${bits(missing)} missing, another call has to bring them`}`,
    `  ticket   ${info.ticket.length} characters`,
    ...info.routes.flatMap(({ sipUris }) => sipUris.map((uri) => `  route    ${uri}`)),
  ].join("\n");
};
