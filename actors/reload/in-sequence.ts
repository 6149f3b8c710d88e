/**
 * Requests that survive a change of the configuration: one that was refused for its sequence is repeated when the newer
 * document has had time to arrive, one for an unknown Kind when that node has been sent the Kind. RFC 6940 §6.3.2.1,
 * §7.4.1.2.
 */
import { Effect } from "effect";
import type { NodeId, Request } from "../../codecs/reload/mod.ts";
import { errorCode, toNode, UnknownKinds } from "../../codecs/reload/mod.ts";
import { decode } from "../../codecs/wire/mod.ts";
import type { ConfigurationState } from "./configuration-state.ts";
import type { Sender } from "./sender.ts";

const ATTEMPTS_MAX = 4;
/** How long a refused request waits for the newer document to come here, and for ours to reach the node that refused. */
const NEWER_MS = 3_000;
const TAKEN_MS = 500;

type Send = Sender["request"];

export const inSequence =
  (configuration: Pick<ConfigurationState, "now" | "changed">, send: Send): Send =>
  (to, body, options) =>
    Effect.gen(function* () {
      for (let attempt = 1; ; attempt++) {
        const reply = yield* send(to, body, options);
        const { outcome } = reply;
        if (outcome.type !== "refused" || body.type === "configUpdateReq" || attempt >= ATTEMPTS_MAX) return reply;
        const { signer, error } = outcome;
        const { code } = error;
        if (code === errorCode.configTooOld) yield* Effect.timeoutOption(configuration.changed, NEWER_MS);
        else if (code === errorCode.configTooNew) yield* Effect.sleep(TAKEN_MS);
        else if (code !== errorCode.unknownKind || attempt > 1) return reply;
        else {
          const kinds = decode(UnknownKinds, error.info);
          if (!kinds.ok || !(yield* sendKinds(configuration, send, signer, kinds.value))) return reply;
        }
      }
    });

/** Whether that node has accepted the definitions of these Kinds, signed as our document has them. */
//# "A node which receives this error MUST generate a ConfigUpdate message which contains the appropriate Kind definition" (RFC 6940 §7.4.1.2)
const sendKinds = (
  { now }: Pick<ConfigurationState, "now">,
  send: Send,
  node: NodeId,
  wanted: ReadonlyArray<number>,
): Effect.Effect<boolean> => {
  const blocks = now().kinds.flatMap(({ kind, signedBlock }) =>
    wanted.includes(kind) && signedBlock !== undefined ? [signedBlock] : [],
  );
  if (blocks.length === 0) return Effect.succeed(false); // an unsigned Kind is accepted by no node
  const update: Request = { type: "configUpdateReq", value: { type: "kind", data: blocks } };
  return Effect.map(send([toNode(node)], update), ({ outcome }) => outcome.type === "answer");
};
