/**
 * Requests that outlive a change of the configuration: one refused for its sequence is asked again when the document of
 * whoever was behind has had time to arrive. RFC 6940 §6.3.2.1.
 */
import { Effect } from "effect";
import { errorCode } from "../../codecs/reload/mod.ts";
import type { Configuration } from "./configuration.ts";
import type { Requests } from "./requests.ts";

const ATTEMPTS_MAX = 4;

export const inSequence =
  (configuration: Pick<Configuration, "settled">, ask: Requests["ask"]): Requests["ask"] =>
  (to, body, options) =>
    Effect.gen(function* () {
      for (let attempt = 1; ; attempt++) {
        const reply = yield* ask(to, body, options);
        const { outcome } = reply;
        if (outcome.type !== "refused" || body.type === "configUpdateReq" || attempt >= ATTEMPTS_MAX) return reply;
        const { code } = outcome.error;
        if (code === errorCode.configTooOld) yield* configuration.settled("configTooOld");
        else if (code === errorCode.configTooNew) yield* configuration.settled("configTooNew");
        else return reply;
      }
    });
