/** What breaks, and is whole again after its time. */
import { Clock, Effect } from "effect";
import { hexOf } from "../../codecs/shared/mod.ts";
import { crashParty, type Federation, type Party, PORTS, startParty, stopParty } from "./party.ts";
import type { PlannedFault } from "./plan.ts";
import { onHost } from "./world.ts";

const ENDS_IN_MS = 1_000;
const FULL_CIRCLE_EPOCHS = 255;

/** Until it is over. A company that is down meanwhile misses what needs it running. */
export const befall = Effect.fn("federation.fault")(function* (federation: Federation, fault: PlannedFault) {
  const { trace } = federation.world;
  const { type, forMs } = fault;
  const whom = fault.type === "partition" ? fault.apart.join(", ") : fault.company;
  trace.record(whom, type, { detail: `for ${Math.round(forMs / 100) / 10} s` });
  if (fault.type === "partition") yield* partition(federation, fault);
  else {
    const party = federation.parties.get(fault.company);
    if (party !== undefined) yield* befallOne(federation, party, fault);
  }
  trace.record(whom, `${type} is over`);
});

const partition = Effect.fnUntraced(function* (
  { world, parties, plan }: Federation,
  { apart, isSilent, forMs }: PlannedFault & { readonly type: "partition" },
) {
  const hosts = new Set(apart.flatMap((name) => parties.get(name)?.host.address ?? []));
  const nowMs = yield* Clock.currentTimeMillis;
  const cut = { apart: hosts, isSilent, untilMs: nowMs + forMs };
  world.partitions.add(cut);
  if (plan.planted?.includes("torn") === true) return;
  yield* Effect.sleep(forMs);
  world.partitions.delete(cut);
});

type OfOne = Exclude<PlannedFault, { readonly type: "partition" }>;

const befallOne = Effect.fnUntraced(function* (federation: Federation, party: Party, fault: OfOne) {
  const { world } = federation;
  const { host } = party;
  const { server, agent } = host.disks;
  /** Does it, waits, and takes it back. */
  const during = (begin: () => void, end: () => void) =>
    Effect.sync(begin).pipe(Effect.andThen(Effect.sleep(fault.forMs)), Effect.andThen(Effect.sync(end)));
  switch (fault.type) {
    case "badLink": {
      const bad = { host: host.address, lossPercent: fault.lossPercent, delayMs: fault.delayMs };
      return yield* during(
        () => world.badLinks.add(bad),
        () => world.badLinks.delete(bad),
      );
    }
    case "borderCut": {
      const where = `${host.address}:${PORTS.outside}`;
      return yield* during(
        () => world.cutPorts.add(where),
        () => world.cutPorts.delete(where),
      );
    }
    case "clockStep":
      return yield* during(
        () => {
          host.clock.skewMs += fault.byMs;
        },
        () => {
          host.clock.skewMs -= fault.byMs;
        },
      );
    case "slowDisk":
      return yield* during(
        () => {
          server.slowMs += fault.byMs;
          agent.slowMs += fault.byMs;
        },
        () => {
          server.slowMs -= fault.byMs;
          agent.slowMs -= fault.byMs;
        },
      );
    case "fullDisk":
      return yield* during(
        () => {
          server.isFull = agent.isFull = true;
        },
        () => {
          server.isFull = agent.isFull = false;
        },
      );
    case "crash":
      return yield* crash(federation, party, fault);
    case "restart":
      yield* stopParty(party);
      yield* Effect.sleep(fault.forMs);
      yield* startAgain(federation, party);
      return;
    case "certificateEnds":
      return yield* endCertificate(federation, party, fault.forMs);
    case "newSecret":
      return yield* newSecret(federation, party, fault.forMs);
  }
});

const crash = Effect.fnUntraced(function* (
  federation: Federation,
  party: Party,
  { losesDisk, forMs }: PlannedFault & { readonly type: "crash" },
) {
  yield* crashParty(party);
  if (losesDisk) {
    party.host.disks.server.lose();
    party.host.disks.agent.lose();
    federation.checks.lostDisk(party.name);
  }
  yield* Effect.sleep(forMs);
  yield* startAgain(federation, party);
});

/** Two faults may have ended it: the first that is over starts it. */
export const startAgain = Effect.fn("federation.startAgain")(function* (federation: Federation, party: Party) {
  if (party.life !== undefined || party.isStarting) return;
  party.isStarting = true;
  const running = yield* startParty(federation, party);
  party.isStarting = false;
  yield* Effect.forkIn(publishNumbers(federation, party), party.life!.scope);
  return running;
});

/** Its numbers, at the pace of the overlay. */
export const publishNumbers = (federation: Federation, party: Party) =>
  party.life === undefined ? Effect.succeed(0) : party.life.running.publish.pipe(onHost(federation.world, party.host));

const endCertificate = Effect.fnUntraced(function* ({ overlay, world }: Federation, party: Party, forMs: number) {
  const use = (until?: number) =>
    Effect.gen(function* () {
      party.credentials = yield* overlay.domainCredentials(party.name, until);
      yield* party.life?.running.border.useCredentials(party.credentials) ?? Effect.void;
    }).pipe(onHost(world, party.host));
  yield* use((yield* Clock.currentTimeMillis) + ENDS_IN_MS);
  yield* Effect.sleep(forMs);
  yield* use();
});

const newSecret = Effect.fnUntraced(function* ({ world }: Federation, party: Party, forMs: number) {
  const { entropy } = party.host;
  const old = party.identity.secret;
  const secret = { epoch: (old.epoch % FULL_CIRCLE_EPOCHS) + 1, password: hexOf(yield* entropy.bytes(16)) };
  party.identity = { ...party.identity, secret };
  const { life } = party;
  if (life === undefined) return;
  const { server, border } = life.running;
  yield* border.tickets.accept(secret).pipe(onHost(world, party.host));
  yield* server.setDomains({ tickets: { [party.name]: secret } }).pipe(onHost(world, party.host));
  yield* Effect.sleep(forMs);
  yield* border.tickets.voidEpoch(old.epoch);
});
