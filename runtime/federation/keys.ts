/**
 * The Keys port with a memory for what is derived from passwords: server and border element of a company derive the same, and
 * a plan that is shrunk is played a hundred times with the same secrets.
 */
import { Effect } from "effect";
import type { Keys } from "../../actors/ports/mod.ts";
import { hexOf, keepNewest } from "../../codecs/shared/mod.ts";

const DERIVED_MAX = 1_024;
const derived = new Map<string, Uint8Array>();

const remembered = (name: string, derive: Effect.Effect<Uint8Array>): Effect.Effect<Uint8Array> =>
  Effect.suspend(() => {
    const found = derived.get(name);
    if (found !== undefined) return Effect.succeed(found.slice());
    return Effect.map(derive, (key) => {
      keepNewest(derived, DERIVED_MAX, name, key);
      return key.slice();
    });
  });

export const rememberingKeys = (keys: Keys["Service"]): Keys["Service"] => ({
  ...keys,
  derive: (password, salt, rounds, size) =>
    remembered(`${password} ${hexOf(salt)} ${rounds} ${size}`, keys.derive(password, salt, rounds, size)),
  stretch: (password, salt, by) =>
    remembered(`${hexOf(password)} ${hexOf(salt)} ${JSON.stringify(by)}`, keys.stretch(password, salt, by)),
});

/** What a test plants: every signature is right. */
export const credulous = (keys: Keys["Service"]): Keys["Service"] => ({ ...keys, verify: () => Effect.succeed(true) });
