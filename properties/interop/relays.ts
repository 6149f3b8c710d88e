/** Media relays of two companies on this machine: their own, or an rtpengine each. */
import { Effect, type Scope } from "effect";
import type { Ports } from "../../runtime/node.ts";
import { bound } from "./bound.ts";
import { freePort, HOST, peer } from "./peers.ts";

type Name = "a" | "b";

/** `[media]` of each, and what must run for it. */
export interface Relays {
  readonly what: string;
  readonly needs: ReadonlyArray<string>;
  readonly open: Effect.Effect<(name: Name) => string, unknown, Ports | Scope.Scope>;
}
const PORTS = { a: [41_000, 41_999], b: [42_000, 42_999] } as const;
export const OWN: Relays = {
  what: "their own relays",
  needs: [],
  open: Effect.succeed(
    (name) =>
      `relay = "own"\ninside = ["${HOST}"]\noutside = ["${HOST}"]\noutside-private = true\nports = "${PORTS[name].join("-")}"`,
  ),
};
export const RTPENGINE: Relays = {
  what: "an rtpengine each",
  needs: ["rtpengine"],
  open: Effect.gen(function* () {
    const ng = { a: yield* rtpengine(PORTS.a), b: yield* rtpengine(PORTS.b) };
    return (name) =>
      `relay = "rtpengine"\nrtpengine = ["${HOST}:${ng[name]}"]\ninterfaces = ["inside", "outside"]\noutside-private = true`;
  }),
};
const rtpengine = Effect.fn("interop.rtpengine")(function* ([min, max]: readonly [number, number]) {
  const port = yield* freePort;
  const interfaces = ["inside", "outside"].map((name) => `--interface=${name}/${HOST}`);
  const ports = [`--port-min=${min}`, `--port-max=${max}`];
  const { said } = yield* peer("rtpengine", [
    ...["--config-file=none", "--table=-1", "--foreground", "--log-stderr", "--log-level=3"],
    ...[...interfaces, `--listen-ng=${HOST}:${port}`, ...ports],
  ]);
  yield* bound(port, "UDP", said);
  return port;
});
