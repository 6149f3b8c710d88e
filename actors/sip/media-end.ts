/** Our end of a call's media: an address, a port and a fresh key. RFC 4568 §6.1: one key for each call and direction. */
import { Effect } from "effect";
import { KEY_BYTES, type MediaEnd } from "../../codecs/sip/mod.ts";
import { Entropy } from "../ports/mod.ts";

export const mediaEnd = (address: string) =>
  Effect.gen(function* () {
    const entropy = yield* Entropy;
    const key = btoa(String.fromCharCode(...(yield* entropy.bytes(KEY_BYTES))));
    const session = String(yield* entropy.between(1, 2 ** 31 - 1));
    // Even, as RFC 3550 §11 asks; nobody listens there yet, for no media is sent.
    const port = 2 * (yield* entropy.between(8_192, 32_767));
    return { address, port, key, session } satisfies MediaEnd;
  });
