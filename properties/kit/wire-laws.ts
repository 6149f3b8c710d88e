/**
 * What every description owes the house: one call for each message.
 *
 *   wireLaws(VapMessage, { limit: 65_555 });
 */
import type { Wire } from "../../codecs/wire/mod.ts";
import { runs, test } from "./harness.ts";
import { type WireLawOptions, wireLawsOf } from "./laws-of-wire.ts";

export const wireLaws = <A>(wire: Wire<A>, options: Omit<WireLawOptions<A>, "runs"> = {}): void => {
  for (const { name, check } of wireLawsOf(wire, { ...options, runs })) test(name, check);
};
