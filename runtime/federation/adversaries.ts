/** Who means harm, and what it tries. That it comes to nothing is what the checkers look for. */
import { Clock, Effect } from "effect";
import { sendInvite } from "../../actors/sip/mod.ts";
import { openTicketIssuer } from "../../actors/ticket/mod.ts";
import { e164, hexOf, unixMs } from "../../codecs/shared/mod.ts";
import { overwriteClaims } from "../demo/adversaries.ts";
import { noIntrusions } from "../demo/tally.ts";
import { publishNumbers } from "./faults.ts";
import { flood, hog, lie } from "./hostile-nodes.ts";
import { forgeMessages } from "./messages-forger.ts";
import { enrolParty, type Federation, type Party, PORTS, startParty } from "./party.ts";
import { ownerOf, type PlannedAdversary } from "./plan.ts";
import { relayTo } from "./relay.ts";
import { onHost, openHost } from "./world.ts";

const GUESSES = 4;
const GUESS_EVERY_MS = 4_000;
/** A guesser knows that there was a call in the last minutes, and no more. */
const GUESSED_MS = 600_000;
const CLOCK_LIE_MS = 3_600_000;
const SPAM_WAIT_MS = 2_000;

export const attack = Effect.fn("federation.attack")(function* (federation: Federation, adversary: PlannedAdversary) {
  const { kind, name, targets, strength } = adversary;
  federation.world.trace.record(name, kind, { detail: targets.join(", ") });
  switch (kind) {
    case "thief":
      return yield* steal(federation, adversary);
    case "relay":
      return yield* relay(federation, adversary);
    case "guesser":
      return yield* guess(federation, yield* thiefOf(federation, adversary, { publishes: [] }), adversary);
    case "coalition": {
      const users = Array.from({ length: strength }, (_, i) => `${i + 1}.${name}`);
      const one = (user: string) => thiefOf(federation, { ...adversary, name: user }, { users: [user] });
      const all = yield* Effect.forEach(users, one);
      return yield* Effect.forEach(all, (party) => guess(federation, party, adversary), {
        concurrency: "unbounded",
        discard: true,
      });
    }
    case "clockLiar": {
      const party = yield* thiefOf(federation, adversary, { skewMs: (strength - 2 || -1) * CLOCK_LIE_MS });
      return yield* guess(federation, party, adversary);
    }
    case "forger":
      return yield* forge(federation, adversary);
    case "messagesForger":
      return yield* forgeMessages(federation, adversary);
    case "hog":
      return yield* hog(federation, adversary);
    case "flooder":
      return yield* flood(federation, adversary);
    case "liar":
    case "eclipse":
      return yield* lie(federation, adversary);
  }
});

/** A company of the adversary's, that claims the numbers it wants. */
const thiefOf = Effect.fnUntraced(function* (
  federation: Federation,
  { name, targets }: PlannedAdversary,
  more: { publishes?: ReadonlyArray<string>; users?: ReadonlyArray<string>; skewMs?: number } = {},
) {
  const numbers = federation.plan.planted?.includes("misdialled") === true ? targets : [];
  const party = yield* enrolParty(federation, { name, numbers, publishes: targets, nodes: 1, ...more });
  yield* startParty(federation, party);
  yield* publishNumbers(federation, party);
  return party;
});

const steal = Effect.fnUntraced(function* (federation: Federation, adversary: PlannedAdversary) {
  const { plan, world, checks } = federation;
  const party = yield* thiefOf(federation, adversary);
  if (party.life === undefined) return;
  const intrusions = noIntrusions();
  yield* overwriteClaims(
    party.life.running,
    adversary.targets.map(e164),
    (number) => ownerOf(plan, number),
    intrusions,
  ).pipe(onHost(world, party.host));
  const why = [...intrusions.reasons.overwrittenClaim].map(String).sort().join(", ");
  world.trace.record(party.name, "wrote over claims", {
    detail: `${intrusions.admitted} taken, ${intrusions.refused.overwrittenClaim} refused${why === "" ? "" : `: ${why}`}`,
  });
  if (intrusions.admitted > 0) checks.violated("acknowledged", `${party.name} wrote over another's claim`);
});

/** Claims the numbers, and leads whoever asks to their owner: what passes is the owner's proof. */
const relay = Effect.fnUntraced(function* (federation: Federation, { name, targets }: PlannedAdversary) {
  const { plan, world, parties } = federation;
  const owner = parties.get(ownerOf(plan, targets[0]!) ?? "");
  if (owner === undefined) return;
  const own = targets.filter((number) => owner.numbers.includes(number));
  const middle = openHost(world, `relay.${name}`);
  const at = { host: middle.address, port: PORTS.pvp };
  yield* relayTo(at, { host: owner.host.address, port: PORTS.pvp }).pipe(onHost(world, middle));
  const party = yield* enrolParty(federation, { name, numbers: [], publishes: own, nodes: 1, advertisePvp: at });
  yield* startParty(federation, party);
  yield* publishNumbers(federation, party);
});

/** Tells its own server of calls that nobody made, or that others did. */
const guess = Effect.fnUntraced(function* (federation: Federation, party: Party, { targets }: PlannedAdversary) {
  const { checks, world, plan } = federation;
  const { between } = party.host.entropy;
  for (let i = 0; i < GUESSES; i++) {
    yield* Effect.sleep(GUESS_EVERY_MS);
    const called = targets[i % targets.length]!;
    const nowMs = yield* Clock.currentTimeMillis;
    const overheard = plan.planted?.includes("overheard") === true ? checks.overheard(called, nowMs) : undefined;
    const startMs = overheard?.startMs ?? nowMs - (yield* between(0, GUESSED_MS));
    const stopMs = overheard?.stopMs ?? startMs + (yield* between(5_000, 240_000));
    if (overheard === undefined) checks.guessed({ from: party.name, called, startMs, stopMs });
    const { life } = party;
    if (life === undefined) return;
    const upload = life.running.vap.uploadVcr({
      direction: "sent",
      calling: undefined,
      called: e164(called),
      startMs: unixMs(startMs),
      stopMs: unixMs(stopMs),
      vservice: party.identity.vservice,
    });
    yield* Effect.ignore(upload).pipe(onHost(world, party.host));
  }
});

/** INVITEs without a ticket, with one that it made itself, and with one that somebody else was given. */
const forge = Effect.fnUntraced(function* (federation: Federation, { name, targets, strength }: PlannedAdversary) {
  const { world, plan, parties, overlay, checks } = federation;
  const host = openHost(world, name);
  const credentials = yield* overlay.domainCredentials(name);
  for (let round = 0; round < strength; round++)
    for (const called of targets) {
      const victim = parties.get(ownerOf(plan, called) ?? "");
      if (victim === undefined) continue;
      const stolen = [...parties.values()].flatMap(({ life }) => life?.running.routes.all() ?? []);
      const forger = yield* openTicketIssuer({
        grantingNode: overlay.operator.nodeId,
        grantingDomain: victim.name,
        secret: { epoch: 1, password: hexOf(yield* host.entropy.bytes(16)) },
      });
      const forged = yield* Effect.orDie(
        forger.issue({ number: e164(called), grantedTo: name, vservice: victim.identity.vservice }),
      );
      const tickets = [undefined, forged, stolen.find(({ number }) => number === called)?.ticket, stolen[0]?.ticket];
      for (const ticket of tickets) {
        const fate = yield* sendInvite({
          host: victim.host.address,
          port: PORTS.outside,
          credentials,
          called: e164(called),
          domain: victim.name,
          from: name,
          ...(ticket === undefined ? {} : { ticket }),
          waitMs: SPAM_WAIT_MS,
        }).pipe(onHost(world, host));
        if (fate.type === "answered" && fate.status < 300)
          checks.admitted(
            victim.name,
            `${name}'s, ${ticket === undefined ? "without a ticket" : "with no ticket of its own"}`,
          );
      }
    }
});
