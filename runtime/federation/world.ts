/**
 * The world that a plan is played in: one network with what is wrong with it at present, and a host for each company with
 * a clock, disks and chance of its own.
 *
 *   party --> Dialer, Listener, Clock, Entropy of its host --> memory's network <-- partitions, bad links, crashes
 */
import { Clock, type Duration, Effect, type Scope } from "effect";
import { type Arithmetic, Dialer, type DialTarget, Entropy, Keys, Listener } from "../../actors/ports/mod.ts";
import { srpGroup } from "../../codecs/tls/mod.ts";
import { openHere, powerHere, powerOf } from "../arithmetic.ts";
import { type Chance, chanceOf } from "../memory/chance.ts";
import { type MemoryNetwork, memoryNetwork } from "../memory/network.ts";
import { Disk } from "./disk.ts";
import type { Plan } from "./plan.ts";
import type { Trace } from "./trace.ts";

/** A segment that is lost is sent again after so long, RFC 6298, and then after twice as long, and so on. */
const RETRANSMIT_MS = 200;
const RETRANSMISSIONS_MAX = 6;

export interface Partition {
  readonly apart: ReadonlySet<string>;
  readonly isSilent: boolean;
  readonly untilMs: number;
}
export interface BadLink {
  readonly host: string;
  readonly lossPercent: number;
  readonly delayMs: number;
}

export interface Host {
  readonly address: string;
  readonly name: string;
  readonly clock: HostClock;
  readonly entropy: Entropy["Service"];
  readonly disks: { readonly server: Disk; readonly agent: Disk };
  /** False: nothing leaves it or reaches it. */
  isUp: boolean;
}

export interface World {
  readonly plan: Plan;
  readonly trace: Trace;
  /** The true time. */
  readonly clock: Clock.Clock;
  readonly network: MemoryNetwork;
  readonly chance: Chance;
  readonly hosts: Map<string, Host>;
  readonly partitions: Set<Partition>;
  readonly badLinks: Set<BadLink>;
  /** Addresses off the network, as `host:port`. */
  readonly cutPorts: Set<string>;
  /** Chunks that were sent so far. */
  chunks: number;
}

export const openWorld = Effect.fn("federation.world")(function* (plan: Plan, trace: Trace) {
  const clock = yield* Clock.Clock;
  const keys = yield* Keys;
  const chance = chanceOf(plan.seed);
  const network = memoryNetwork(keys, chanceOf(chance.between(0, 2 ** 31)), {
    delayMs: plan.delayMs,
    clock,
    isCut: (target, from) => isCut(world, from, target),
    extraMs: (from, to) => extraMs(world, from, to),
  });
  const world: World = {
    plan,
    trace,
    clock,
    network,
    chance,
    hosts: new Map(),
    partitions: new Set(),
    badLinks: new Set(),
    cutPorts: new Set(),
    chunks: 0,
  };
  return world;
});

export const openHost = (world: World, name: string, { skewMs = 0, diskMs = 0 } = {}): Host => {
  const { hosts, plan, clock } = world;
  const address = `127.1.${hosts.size + 1}.1`;
  // The chance of a host is its own: what one draws does not change what others are given, however a plan is shrunk.
  const chance = chanceOf(hashOf(`${plan.seed} ${name}`));
  const hostClock = new HostClock(clock, skewMs);
  const host: Host = {
    address,
    name,
    clock: hostClock,
    entropy: {
      bytes: (size) => Effect.sync(() => chance.bytes(size)),
      between: (min, max) => Effect.sync(() => chance.between(min, max)),
    },
    disks: { server: new Disk(diskMs), agent: new Disk(diskMs) },
    isUp: true,
  };
  hosts.set(address, host);
  return host;
};

/** FNV-1a, 32 bits. */
const hashOf = (text: string): number =>
  [...text].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x0100_0193) >>> 0, 0x811c_9dc5);

type Ports = Dialer | Listener | Entropy;
/** With the ports and the clock of that host. */
export const onHost =
  ({ network }: World, { address, clock, entropy }: Host) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Ports>> =>
    effect.pipe(
      Effect.provideService(Dialer, { dial: network.dialFrom(address) }),
      Effect.provideService(Listener, { listen: network.listen, renew: network.renew }),
      Effect.provideService(Entropy, entropy),
      Effect.provideService(Clock.Clock, clock),
    ) as Effect.Effect<A, E, Exclude<R, Ports>>;

/** Powers on this thread: a worker's would come when real time has it, and not when virtual time does. */
export const arithmeticHere: Arithmetic["Service"] = {
  power: (base, exponent, bits) =>
    Effect.sync(() => {
      const value = openHere(bits) ? powerOf(base, exponent, bits) : undefined;
      return typeof value === "bigint" ? value : powerHere(base, exponent, srpGroup(bits));
    }),
};

/** A clock that is wrong, and that can be set. What it waits for takes as long as it takes. */
export class HostClock implements Clock.Clock {
  /** Who sleeps by it now. */
  sleepers = 0;
  private readonly base: Clock.Clock;
  skewMs: number;
  constructor(base: Clock.Clock, skewMs: number) {
    this.base = base;
    this.skewMs = skewMs;
  }
  currentTimeMillisUnsafe = (): number => this.base.currentTimeMillisUnsafe() + this.skewMs;
  currentTimeNanosUnsafe = (): bigint => this.base.currentTimeNanosUnsafe() + BigInt(this.skewMs) * 1_000_000n;
  monotonicTimeNanosUnsafe = (): bigint => this.base.monotonicTimeNanosUnsafe();
  readonly currentTimeMillis = Effect.sync(this.currentTimeMillisUnsafe);
  readonly currentTimeNanos = Effect.sync(this.currentTimeNanosUnsafe);
  readonly monotonicTimeNanos = Effect.sync(this.monotonicTimeNanosUnsafe);
  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.sleepers += 1;
      return Effect.ensuring(
        this.base.sleep(duration),
        Effect.sync(() => {
          this.sleepers -= 1;
        }),
      );
    });
  }
}

const isCut = (world: World, from: string | undefined, { host: to, port }: DialTarget): boolean => {
  const { hosts, partitions, cutPorts } = world;
  if (cutPorts.has(`${to}:${port}`)) return true;
  if (hosts.get(to)?.isUp === false || (from !== undefined && hosts.get(from)?.isUp === false)) return true;
  for (const { apart, isSilent } of partitions) if (!isSilent && isBetween(apart, from, to)) return true;
  return false;
};
/** The operator's node and streams of nobody's are on the side of the others. */
const isBetween = (apart: ReadonlySet<string>, from: string | undefined, to: string): boolean =>
  apart.has(from ?? "") !== apart.has(to);

const extraMs = (world: World, from: string, to: string): number => {
  const { plan, chance, badLinks, partitions, clock } = world;
  world.chunks += 1;
  if (from === to) return 0;
  let lossPercent = plan.lossPercent;
  let extra = 0;
  for (const { host, lossPercent: worse, delayMs } of badLinks) {
    if (host !== from && host !== to) continue;
    lossPercent = Math.max(lossPercent, worse);
    extra += chance.between(0, delayMs);
  }
  for (let lost = 0; lossPercent > 0 && lost < RETRANSMISSIONS_MAX; lost++) {
    if (chance.between(0, 99) >= lossPercent) break;
    extra += RETRANSMIT_MS * 2 ** lost;
  }
  for (const { apart, isSilent, untilMs } of partitions)
    if (isSilent && isBetween(apart, from, to))
      extra = Math.max(extra, untilMs - clock.currentTimeMillisUnsafe() + RETRANSMIT_MS);
  return extra;
};

/** Each host's part of what is still open. */
export const leftOpen = ({ hosts, network }: World): ReadonlyArray<string> => {
  const { listeners, streams } = network.open();
  const asleep = [...hosts.values()].filter(({ clock }) => clock.sleepers > 0);
  return [
    ...listeners.map((where) => `listener ${where}`),
    ...(streams > 0 ? [`${streams} streams`] : []),
    ...asleep.map(({ name, clock }) => `${clock.sleepers} timers of ${name}`),
  ];
};

export type InWorld = Scope.Scope | Keys | Arithmetic;
