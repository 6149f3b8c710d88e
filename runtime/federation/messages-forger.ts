/**
 * A member that forges RELOAD messages: altered after they were signed, in another's name, recorded and sent again, values
 * under another's certificate. Each is sent over a stream of its own, as a node that sees through a message closes its link.
 * DECISIONS.md D-350.
 *
 *   a number at whose node a claim of the forger's own is taken --> forged messages and claims there --> taken? violated
 */
import { Clock, Effect } from "effect";
import { type Credentials, type Dialer, Keys } from "../../actors/ports/mod.ts";
import { reloadUri } from "../../codecs/enrol/mod.ts";
import {
  type Body,
  identityOf,
  identityOfNode,
  kindId,
  type NodeId,
  nodeIdFrom,
  noSignature,
  type Packet,
  type Request,
  resourceOfNumber,
  type StoredData,
  sequenceAny,
  toNode,
} from "../../codecs/reload/mod.ts";
import { bigOf, e164 } from "../../codecs/shared/mod.ts";
import { DHT_NAME } from "../../codecs/vap/mod.ts";
import { type Federation, type Party, PORTS } from "./party.ts";
import { ownerOf, type PlannedAdversary } from "./plan.ts";
import { openRawPeer, type RawClaim, type RawMessage, rawClaim, rawPacket, type Signs } from "./raw-peer.ts";
import { type Host, onHost, openHost } from "./world.ts";

/** Numbers that are looked at until the victim's node is responsible for one. */
const PLACES_TRIED_MAX = 16;
const PLACES = 900_000;
const CLAIM_LIFETIME_S = 600;
/** A request that comes again is answered again for 15 s, and dropped after that; clocks are wrong by up to six. */
const AFTERWARDS_MS = 25_000;
const ENDS_IN_MS = 10_000;
/** So that a node that is away in one round is there in another. */
const ROUND_EVERY_MS = 15_000;
const HOUR_MS = 3_600_000n;
const GENERATIONS_AHEAD = 5n;
const OTHER_OVERLAY = "other.example";

interface Forger {
  readonly federation: Federation;
  readonly host: Host;
  readonly name: string;
  readonly credentials: Credentials;
  readonly own: Signs;
  readonly nodeId: NodeId;
  /** Of a certificate that names a node of this overlay and one of another: with it it says that it is the other one. */
  readonly elsewhere: { readonly credentials: Credentials; readonly by: Signs };
  /** Storage times only grow. */
  lastTime: bigint;
}
/** The node that is to be deceived. */
interface Victim {
  readonly party: Party;
  readonly life: Party["life"];
  readonly nodeId: NodeId;
  /** Its holder's signatures, as anybody would make them who has not the key. */
  readonly named: Signs;
}
/** A number whose claims the victim's node stores. */
interface Place {
  readonly resource: Uint8Array;
  readonly generation: bigint;
}

export const forgeMessages = Effect.fn("federation.forgeMessages")(function* (
  federation: Federation,
  { name, targets, strength }: PlannedAdversary,
) {
  const { world, parties, plan } = federation;
  const host = openHost(world, name);
  const forger = yield* forgerOf(federation, host, name).pipe(onHost(world, host));
  for (let round = 0; round < strength; round++) {
    if (round > 0) yield* Effect.sleep(ROUND_EVERY_MS);
    for (const owner of new Set(targets.flatMap((number) => ownerOf(plan, number) ?? []))) {
      const party = parties.get(owner);
      const { life, members = [] } = party ?? {};
      if (party === undefined || life === undefined) continue;
      const { certificates } = members[0]!.credentials;
      const named = { key: forger.own.key, identity: identityOf(certificates[0]!), certificates };
      const victim = { party, life, nodeId: life.running.server.nodes[0]!.nodeId, named };
      yield* forgeAt(forger, victim).pipe(onHost(world, host));
    }
  }
});

const forgerOf = Effect.fnUntraced(function* (federation: Federation, host: Host, name: string) {
  const { overlay, nodes } = federation;
  const { credentials } = yield* overlay.enrolledWith(`1.${name}`);
  const { key, certificates } = credentials;
  const facts = yield* Effect.orDie((yield* Keys).inspect(certificates[0]!));
  const nodeId = facts.nodeIds[0]!;
  nodes.set(nodeId, name);
  const other = nodeIdFrom(bigOf(yield* host.entropy.bytes(16)));
  const both = yield* overlay.memberCredentials({
    uris: [reloadUri({ nodeId, overlay: DHT_NAME }), reloadUri({ nodeId: other, overlay: OTHER_OVERLAY })],
    emails: facts.emails,
  });
  const asOther = {
    key: both.key,
    identity: identityOfNode(both.certificates[0]!, other),
    certificates: both.certificates,
  };
  const own = { key, identity: identityOf(certificates[0]!), certificates };
  const elsewhere = { credentials: both, by: asOther };
  return { federation, host, name, credentials, own, nodeId, elsewhere, lastTime: 0n } as Forger;
});

const forgeAt = Effect.fnUntraced(function* (forger: Forger, victim: Victim) {
  const { world } = forger.federation;
  const place = yield* placeAt(forger, victim);
  const forged = [
    ...forgedMessages(forger, victim),
    ...(place === undefined ? [] : forgedClaims(forger, victim, place)),
  ];
  const { configuration } = forger.federation.overlay.operator;
  for (const { what, message, tls } of forged) {
    const raw = yield* message;
    const answer = yield* sent(forger, victim, yield* packetOf(forger, victim, raw), tls);
    // The next configuration may have come meanwhile: then it was no forgery.
    const { sequence = sequenceAny } = raw;
    const isInForce = sequence !== sequenceAny && sequence <= configuration.now().sequence;
    if (!isInForce) judge(forger, victim, what, answer);
  }
  const detail = place === undefined ? `${forged.length}, and no claims` : `${forged.length}, claims among them`;
  world.trace.record(forger.name, "forged messages", { to: victim.party.name, detail });
  yield* afterwards(forger, victim, place);
});

const judge = ({ federation, name }: Forger, { party }: Victim, what: string, answer: Body | undefined): void => {
  if (answer === undefined || answer.type === "error") return;
  federation.checks.violated("signature", `${party.name}'s node answers ${name} by ${answer.type}: ${what}`);
};

interface Forged {
  readonly what: string;
  readonly message: Effect.Effect<Partial<RawMessage>, never, Keys>;
  readonly tls?: Credentials;
}

const ping = (size: number): Request => ({ type: "pingReq", value: { padding: new Uint8Array(size) } });

const forgedMessages = (forger: Forger, { named }: Victim): ReadonlyArray<Forged> => {
  const { configuration } = forger.federation.overlay.operator;
  const { elsewhere } = forger;
  const one = (what: string, message: Partial<RawMessage>): Forged => ({ what, message: Effect.succeed(message) });
  return [
    one("a message that was altered after it was signed", { altered: ping(1) }),
    one("a message in its own name, signed by another key", { by: named }),
    one("a request by the sequence that is for ConfigUpdate alone", { sequence: sequenceAny }),
    {
      what: "a request of the next configuration",
      message: Effect.sync(() => ({ sequence: configuration.now().sequence + 1 })),
    },
    {
      ...one("a Node-ID that its certificate names in another overlay", { by: elsewhere.by }),
      tls: elsewhere.credentials,
    },
  ];
};

const forgedClaims = (forger: Forger, { nodeId, named }: Victim, place: Place): ReadonlyArray<Forged> => {
  const { own } = forger;
  // With the other's certificate too, so that what is refused is the signature and not its unknown signer.
  const by = { ...own, certificates: [...own.certificates, ...named.certificates] };
  const claim = (
    what: string,
    of: Partial<RawClaim>,
    changed: (claim: StoredData) => StoredData = (same) => same,
    generation = 0n,
  ): Forged => ({
    what,
    message: Effect.map(claimAt(forger, place, of), (made) => ({
      by,
      body: storing(place, changed(made), generation),
    })),
  });
  return [
    claim("a claim in its node's name, signed by another key", { by: named, node: nodeId }),
    claim("a claim in its node's name, signed by another member", { by: own, node: nodeId }),
    claim("a claim that was altered after it was signed", {}, (made) => ({
      ...made,
      storageTime: made.storageTime + 1n,
    })),
    claim("a claim without a signature", {}, (made) => ({ ...made, signature: noSignature })),
    claim("a claim of the next hour", { ahead: HOUR_MS }),
    claim("a write upon a generation that was never there", {}, undefined, place.generation + GENERATIONS_AHEAD),
  ];
};

/** A claim of the forger's own, unless `of` says otherwise. */
const claimAt = (forger: Forger, { resource }: Pick<Place, "resource">, of: Partial<RawClaim>) =>
  Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
    forger.lastTime = BigInt(nowMs) > forger.lastTime ? BigInt(nowMs) : forger.lastTime + 1n;
    const own = { by: forger.own, resource, node: forger.nodeId, atMs: forger.lastTime, lifetimeS: CLAIM_LIFETIME_S };
    return rawClaim({ ...own, ...of });
  });
const storing = ({ resource }: Pick<Place, "resource">, claim: StoredData, generation = 0n): Request => ({
  type: "storeReq",
  value: { resource, replica: 0, kinds: [{ kind: kindId.viprRegistration, generation, values: [claim] }] },
});

/** Undefined: the node stores none of the numbers looked at, or does not answer. */
const placeAt = Effect.fnUntraced(function* (
  forger: Forger,
  victim: Victim,
): Effect.fn.Return<Place | undefined, never, Keys | Dialer> {
  for (let i = 0; i < PLACES_TRIED_MAX; i++) {
    const number = e164(`+8889${100_000 + (yield* forger.host.entropy.between(0, PLACES - 1))}`);
    const resource = resourceOfNumber(number);
    const body = storing({ resource }, yield* claimAt(forger, { resource }, {}));
    const answer = yield* sent(forger, victim, yield* packetOf(forger, victim, { body }));
    if (answer?.type === "storeAns") return { resource, generation: answer.value.kinds[0]!.generation };
    if (answer === undefined) return undefined;
  }
  return undefined;
});

/** What counts now, and must not count later: a request that was answered, and a certificate. */
const afterwards = Effect.fnUntraced(function* (forger: Forger, victim: Victim, place: Place | undefined) {
  const ending = yield* endingOf(forger);
  yield* sent(forger, victim, yield* packetOf(forger, victim, { by: ending })); // the node remembers the signer from now on
  const body = place === undefined ? undefined : storing(place, yield* claimAt(forger, place, {}));
  const request = body === undefined ? undefined : yield* packetOf(forger, victim, { body });
  const first = request === undefined ? undefined : yield* sent(forger, victim, request);
  yield* Effect.sleep(AFTERWARDS_MS);
  // A node that has started again remembers no request; its storage does.
  if (request !== undefined && first?.type === "storeAns" && victim.party.life === victim.life)
    judge(forger, victim, "a request that it had answered long ago", yield* sent(forger, victim, request));
  const late = yield* sent(forger, victim, yield* packetOf(forger, victim, { by: ending }));
  judge(forger, victim, "a message signed by a certificate that has ended", late);
});

/** The forger itself, by a certificate that is about to end. */
const endingOf = Effect.fnUntraced(function* ({ federation, credentials, nodeId }: Forger) {
  const { emails } = yield* Effect.orDie((yield* Keys).inspect(credentials.certificates[0]!));
  const names = { uris: [reloadUri({ nodeId, overlay: DHT_NAME })], emails };
  const endMs = (yield* Clock.currentTimeMillis) + ENDS_IN_MS;
  const { key, certificates } = yield* federation.overlay.memberCredentials(names, endMs);
  return { key, identity: identityOf(certificates[0]!), certificates } satisfies Signs as Signs;
});

const packetOf = Effect.fnUntraced(function* (
  { federation, host, own }: Forger,
  { nodeId }: Victim,
  message: Partial<RawMessage>,
) {
  const transactionId = bigOf(yield* host.entropy.bytes(8));
  const whole = { by: own, to: toNode(nodeId), transactionId, body: ping(0), ...message };
  return yield* rawPacket(federation.overlay.operator.configuration.now(), whole);
});

const sent = Effect.fnUntraced(
  function* ({ credentials }: Forger, { party }: Victim, packet: Packet, tls: Credentials = credentials) {
    const peer = yield* openRawPeer({ host: party.host.address, port: PORTS.reload }, tls);
    return yield* peer.ask(packet);
  },
  Effect.scoped,
  Effect.orElseSucceed((): Body | undefined => undefined),
);
