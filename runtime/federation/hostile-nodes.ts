/** Adversaries below the calls: a node that stores too much, streams that nobody wants, nodes that do not pass on. */
import { Effect } from "effect";
import { type ByteStreamShape, Dialer, Listener } from "../../actors/ports/mod.ts";
import { publishNumber, startNode } from "../../actors/reload/mod.ts";
import { e164, utf8 } from "../../codecs/shared/mod.ts";
import { type Federation, LIMITS, PORTS } from "./party.ts";
import type { PlannedAdversary } from "./plan.ts";
import { type Host, onHost, openHost } from "./world.ts";

const HOGGED_VALUES = 60;
/** Ends while the federation is played. */
const HOGGED_LIFETIME_S = 40;
const FLOOD_STREAMS = 40;
const FLOOD_MS = 20_000;
const LIES_MS = 45_000;
/** Three that vanish together may have had all copies of a value: a peer's own and two replicas, RFC 6940 §10.4. */
const LIARS_MAX = 2;
/** Of what it is given to send. */
const DROPPED_PERCENT = 50;

/** Stores registrations by the dozen, far beyond one node's share, and not for long: what has ended is to leave no trace. */
export const hog = Effect.fn("federation.hog")(function* (federation: Federation, adversary: PlannedAdversary) {
  const { world } = federation;
  const host = openHost(world, adversary.name);
  const node = yield* joined(federation, host, `1.${adversary.name}`).pipe(onHost(world, host));
  if (node === undefined) return;
  federation.others.push(node);
  let stored = 0;
  for (let i = 0; i < HOGGED_VALUES * adversary.strength; i++) {
    const number = e164(`+8889${String(100_000 + i)}`);
    const isStored = Effect.as(publishNumber(node, number, 1n as never, HOGGED_LIFETIME_S), true);
    if (yield* Effect.orElseSucceed(isStored.pipe(onHost(world, host)), () => false)) stored += 1;
  }
  world.trace.record(adversary.name, "hogged", { detail: `${stored} values` });
});

/** Connects to every port of its victims, says nothing that they understand, and stays. */
export const flood = Effect.fn("federation.flood")(function* (federation: Federation, adversary: PlannedAdversary) {
  const { world, parties } = federation;
  const host = openHost(world, adversary.name);
  const { dial } = yield* Dialer.pipe(onHost(world, host));
  const victims = [...parties.values()].filter(({ numbers }) => adversary.targets.some((t) => numbers.includes(t)));
  const one = (to: string, port: number) =>
    Effect.gen(function* () {
      const stream = yield* dial({ host: to, port });
      yield* stream.write(utf8("GET / HTTP/1.0\r\n\r\n"));
      yield* Effect.sleep(FLOOD_MS);
    }).pipe(Effect.scoped, Effect.ignore, onHost(world, host));
  const ports = [PORTS.reload, PORTS.vap, PORTS.pvp, PORTS.outside, PORTS.inside];
  const streams = victims.flatMap((victim) =>
    ports.flatMap((port) =>
      Array.from({ length: FLOOD_STREAMS * adversary.strength }, () => one(victim.host.address, port)),
    ),
  );
  yield* Effect.forEach(streams, (stream) => stream, { concurrency: "unbounded", discard: true });
});

/** Joins like anybody, then drops half of what it should send: answers, acknowledgements, what it should pass on. Then it is gone. */
export const lie = Effect.fn("federation.lie")(function* (federation: Federation, adversary: PlannedAdversary) {
  const { world } = federation;
  const count = adversary.kind === "eclipse" ? Math.min(adversary.strength, LIARS_MAX) : 1;
  const users = Array.from({ length: count }, (_, i) => `${i + 1}.${adversary.name}`);
  const one = (user: string) =>
    Effect.gen(function* () {
      const host = openHost(world, user);
      const lies = { isOn: false };
      const dropping = <A, E, R>(effect: Effect.Effect<A, E, R>) => deaf(effect, host, lies);
      const node = yield* joined(federation, host, user).pipe(dropping, onHost(world, host));
      if (node === undefined) return;
      lies.isOn = true;
      world.trace.record(user, "drops what it should pass on");
      yield* Effect.sleep(LIES_MS);
      host.isUp = false;
    }).pipe(Effect.scoped);
  yield* Effect.forEach(users, one, { concurrency: "unbounded", discard: true });
});

/** A node of the adversary's, if the overlay takes it. */
const joined = Effect.fnUntraced(function* ({ overlay, nodes }: Federation, host: Host, user: string) {
  const member = yield* overlay.enrolledWith(user);
  const listen = { host: host.address, port: PORTS.reload };
  const starting = startNode({ credentials: member.credentials, overlay: member.overlay, listen, limits: LIMITS });
  const node = yield* Effect.catch(starting, () => Effect.succeed(undefined));
  if (node !== undefined) nodes.set(node.nodeId, user);
  return node;
});

/** With streams that lose whole writes, in both directions of dialling. */
const deaf = <A, E, R>(effect: Effect.Effect<A, E, R>, { entropy }: Host, lies: { readonly isOn: boolean }) =>
  Effect.gen(function* () {
    const [dialer, listener] = [yield* Dialer, yield* Listener];
    const wrapped = (stream: ByteStreamShape): ByteStreamShape => ({
      ...stream,
      write: (bytes) =>
        Effect.flatMap(entropy.between(0, 99), (lot) =>
          lies.isOn && lot < DROPPED_PERCENT ? Effect.void : stream.write(bytes),
        ),
    });
    return yield* effect.pipe(
      Effect.provideService(Dialer, { dial: (target) => Effect.map(dialer.dial(target), wrapped) }),
      Effect.provideService(Listener, {
        listen: (on, serve) => listener.listen(on, (stream) => serve(wrapped(stream))),
        renew: listener.renew,
      }),
    );
  });
