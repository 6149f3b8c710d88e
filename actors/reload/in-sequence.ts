/**
 * Requests that outlive a change of the configuration: one refused for its sequence is asked again when the document of
 * whoever was behind has had time to arrive, one of an unknown Kind when that Kind has been told. RFC 6940 §6.3.2.1,
 * §7.4.1.2.
 */
import { Effect } from "effect";
import { errorCode, UnknownKinds } from "../../codecs/reload/mod.ts";
import { decode } from "../../codecs/wire/mod.ts";
import type { Configuration } from "./configuration.ts";
import type { Requests } from "./requests.ts";

const ATTEMPTS_MAX = 4;

export const inSequence =
  (configuration: Pick<Configuration, "settled" | "taught">, ask: Requests["ask"]): Requests["ask"] =>
  (to, body, options) =>
    Effect.gen(function* () {
      for (let attempt = 1; ; attempt++) {
        const reply = yield* ask(to, body, options);
        const { outcome } = reply;
        if (outcome.type !== "refused" || body.type === "configUpdateReq" || attempt >= ATTEMPTS_MAX) return reply;
        const { signer, error } = outcome;
        const { code } = error;
        if (code === errorCode.configTooOld) yield* configuration.settled("configTooOld");
        else if (code === errorCode.configTooNew) yield* configuration.settled("configTooNew");
        else if (code !== errorCode.unknownKind || attempt > 1) return reply;
        else {
          const kinds = decode(UnknownKinds, error.info);
          if (!kinds.ok || !(yield* configuration.taught(signer, kinds.value))) return reply;
        }
      }
    });
