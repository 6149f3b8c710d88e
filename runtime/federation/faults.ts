/** What breaks, and is whole again after its time. */
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { reloadUri } from "../../codecs/enrol/mod.ts";
import { bigOf, hexOf, nodeIdFrom } from "../../codecs/shared/mod.ts";
import { DHT_NAME } from "../../codecs/vap/mod.ts";
import type { Member } from "../demo/overlay.ts";
import { checkEnded } from "./last-checks.ts";
import { crashParty, type Federation, type Party, PORTS, startParty, stopParty } from "./party.ts";
import { companiesOf, type PlannedFault } from "./plan.ts";
import { onHost } from "./world.ts";

const ENDS_IN_MS = 1_000;
/** Long enough to have joined by then. */
const MEMBERSHIP_ENDS_IN_MS = 20_000;
/** Clocks differ by so much at most, those that have been set too. */
const CLOCKS_MS = 12_000;
const FULL_CIRCLE_EPOCHS = 255;

/** Until it is over. A company that is down meanwhile misses what needs it running. */
export const befall = Effect.fn("federation.fault")(function* (federation: Federation, fault: PlannedFault) {
  const { trace } = federation.world;
  const { type, forMs } = fault;
  const whom = companiesOf(fault)?.join(", ") ?? "operator";
  trace.record(whom, type, { detail: `for ${Math.round(forMs / 100) / 10} s` });
  if (fault.type === "partition") yield* partition(federation, fault);
  else if (fault.type === "newConfiguration") yield* configure(federation, fault.storesPerSecond);
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

/** A newer document of the operator's is never refused. */
const configure = Effect.fnUntraced(function* ({ overlay, checks }: Federation, storesPerSecond: number) {
  const refused = ({ code }: { readonly code: string }) =>
    Effect.sync(() => checks.violated("ring", `the operator's node refuses its new document: ${code}`));
  yield* Effect.catchTag(overlay.configure({ storesPerSecond }), "ConfigurationRefused", refused);
});

type OfOne = Exclude<PlannedFault, { readonly type: "partition" | "newConfiguration" }>;

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
    case "clockStep": {
      const set = (byMs: number) => () => {
        host.clock.skewMs += byMs;
      };
      return yield* during(set(fault.byMs), set(-fault.byMs));
    }
    case "slowDisk": {
      const slower = (byMs: number) => () => {
        server.slowMs += byMs;
        agent.slowMs += byMs;
      };
      return yield* during(slower(fault.byMs), slower(-fault.byMs));
    }
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
    case "membershipEnds":
      return yield* endMembership(federation, party, fault.forMs);
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
  if (losesDisk) loseDisks(federation, party);
  yield* Effect.sleep(forMs);
  yield* startAgain(federation, party);
});

const loseDisks = ({ checks }: Federation, { name, host }: Party): void => {
  host.disks.server.lose();
  host.disks.agent.lose();
  checks.lostDisk(name);
};

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

/**
 * It begins anew with certificates that soon end, and has new ones later: programs start nodes again with every new one
 * (runtime/cli/member.ts). In between nobody may believe what the ended ones have signed. Their Node-IDs are new as well, so
 * that nothing else was ever signed in their name.
 */
const endMembership = Effect.fnUntraced(function* (federation: Federation, party: Party, forMs: number) {
  const { world, checks, nodes } = federation;
  yield* stopParty(party);
  loseDisks(federation, party);
  for (const [id, name] of nodes) if (name === party.name) nodes.delete(id);
  checks.renewed(party.name);
  const named = yield* Effect.forEach(party.members, (member) => enrolledAnew(federation, party, member));
  const endMs = (yield* Clock.currentTimeMillis) + MEMBERSHIP_ENDS_IN_MS;
  const ending = yield* Effect.forEach(named, (issued) => issued(endMs));
  party.members = ending;
  yield* Effect.forkScoped(startAgain(federation, party)); // it may not be there in time, and then waits for the new ones
  yield* Effect.sleep(MEMBERSHIP_ENDS_IN_MS + CLOCKS_MS);
  world.trace.record(party.name, "certificates of its nodes have ended");
  if (party.members === ending) yield* checkEnded(federation, party);
  yield* Effect.sleep(forMs);
  yield* stopParty(party);
  checks.renewed(party.name);
  party.members = yield* Effect.forEach(named, (issued) => issued());
  yield* startAgain(federation, party);
});

/** The member's user under another Node-ID: gives its certificate, until that time. */
const enrolledAnew = Effect.fnUntraced(function* ({ overlay }: Federation, party: Party, member: Member) {
  const { emails } = yield* Effect.orDie((yield* Keys).inspect(member.credentials.certificates[0]!));
  const nodeId = nodeIdFrom(bigOf(yield* party.host.entropy.bytes(16)));
  const uris = [reloadUri({ nodeId, overlay: DHT_NAME })];
  return (notAfterMs?: number) =>
    Effect.map(
      overlay.memberCredentials({ uris, emails }, notAfterMs),
      (credentials): Member => ({ ...member, credentials }),
    );
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
