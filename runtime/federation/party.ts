/**
 * A company of the simulation: the roles of the demonstration's company, on a host of its own, that may end and start again.
 *
 *   enrolled --> start --> running --> crash | stop --> start --> ...
 */
import { Effect, Exit, Scope } from "effect";
import { type Credentials, Entropy, Pstn, type PstnEvent, type PstnShape } from "../../actors/ports/mod.ts";
import type { OverlayNode } from "../../actors/reload/mod.ts";
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { e164, type NodeId, unixMs } from "../../codecs/shared/mod.ts";
import { type CompanyIdentity, drawIdentity, openCompany, type RunningCompany } from "../demo/company.ts";
import type { Member, openOverlay } from "../demo/overlay.ts";
import type { Checks } from "./checks.ts";
import type { Plan } from "./plan.ts";
import { eventOf } from "./said.ts";
import { type Host, onHost, openHost, type World } from "./world.ts";

export const PORTS = { reload: 6084, vap: 7000, pvp: 7100, agent: 5070, inside: 5060, outside: 5061 };
/** As nodes on one machine; and no farewell, unless it is asked for. */
export const LIMITS = { reactMs: 50, leaveMs: 0, holdDownMs: 2_000 };
const START_AGAIN_MS = 5_000;
const FAREWELL_MS = 3_000;

export interface Federation {
  readonly plan: Plan;
  readonly world: World;
  readonly overlay: Effect.Success<ReturnType<typeof openOverlay>>;
  readonly pstn: PstnShape;
  readonly checks: Checks;
  readonly parties: Map<string, Party>;
  /** Whose node it is. */
  readonly nodes: Map<NodeId, string>;
  /** Nodes of no company that are in the ring. */
  readonly others: Array<OverlayNode>;
}

export interface PartySetup {
  readonly name: string;
  readonly numbers: ReadonlyArray<string>;
  readonly publishes: ReadonlyArray<string>;
  readonly nodes: number;
  /** Who enrols its nodes; default `1.name` and so on. */
  readonly users?: ReadonlyArray<string>;
  readonly skewMs?: number;
  readonly diskMs?: number;
  readonly advertisePvp?: Endpoint;
}

export interface Party extends PartySetup {
  readonly host: Host;
  members: ReadonlyArray<Member>;
  identity: CompanyIdentity;
  credentials: Credentials;
  life: { readonly running: RunningCompany; readonly scope: Scope.Closeable } | undefined;
  isStarting: boolean;
}

/** Enrolled, and not started yet. */
export const enrolParty = Effect.fn("federation.enrol")(function* (federation: Federation, setup: PartySetup) {
  const { world, overlay } = federation;
  const host = openHost(world, setup.name, setup);
  const users = setup.users ?? Array.from({ length: setup.nodes }, (_, i) => `${i + 1}.${setup.name}`);
  const members = yield* Effect.forEach(users, overlay.enrolledWith).pipe(onHost(world, host));
  const party: Party = {
    ...setup,
    host,
    members,
    credentials: yield* overlay.domainCredentials(setup.name),
    identity: yield* Effect.provideService(drawIdentity, Entropy, host.entropy),
    life: undefined,
    isStarting: false,
  };
  federation.parties.set(setup.name, party);
  return party;
});

/** Tries until the party has its place in the ring, as a service manager does. */
export const startParty = Effect.fn("federation.start")(function* (federation: Federation, party: Party) {
  const { trace } = federation.world;
  while (party.life === undefined) {
    const { host } = party;
    host.isUp = true;
    host.disks.server.isOff = host.disks.agent.isOff = false;
    const scope = yield* Scope.make();
    const close = Scope.close(scope, Exit.void);
    const opened = yield* Effect.result(
      open(federation, party).pipe(
        Scope.provide(scope),
        Effect.onInterrupt(() => close),
      ),
    );
    if (opened._tag === "Success") {
      party.life = { running: opened.success, scope };
      for (const { nodeId } of opened.success.server.nodes) federation.nodes.set(nodeId, party.name);
      trace.record(party.name, "started");
      return opened.success;
    }
    const { failure } = opened;
    const detail = "why" in failure ? `${failure._tag}: ${failure.why}` : failure._tag;
    trace.record(party.name, "does not start", { detail });
    yield* close;
    yield* Effect.sleep(START_AGAIN_MS);
  }
  return party.life.running;
});

const open = (federation: Federation, party: Party) => {
  const { world, plan, pstn, checks } = federation;
  const { name, numbers, publishes, members, credentials, identity, host, advertisePvp } = party;
  const watch = (event: ViprEvent) =>
    Effect.sync(() => {
      const said = eventOf(event, (node) => federation.nodes.get(node));
      world.trace.record(name, said.what, said);
      checks.event(name, event);
    });
  return openCompany({
    domain: name,
    numbers: new Set(numbers.map(e164)),
    publishes: publishes.map(e164),
    members,
    credentials,
    identity,
    waitBetweenMs: plan.waitMs,
    requiredBits: plan.requiredBits,
    watch,
    at: { host: host.address, ...PORTS },
    stores: host.disks,
    limits: LIMITS,
    acknowledged: (vcr) => Effect.sync(() => checks.acknowledged(name, vcr)),
    ...(advertisePvp === undefined ? {} : { advertisePvp }),
  }).pipe(Effect.provideService(Pstn, pstnOf(federation, party, pstn)), onHost(world, host));
};

/** All at once, in the middle of whatever it does. */
export const crashParty = Effect.fn("federation.crash")(function* (party: Party) {
  const { host, life } = party;
  if (life === undefined) return;
  party.life = undefined;
  host.isUp = false;
  host.disks.server.isOff = host.disks.agent.isOff = true;
  yield* Scope.close(life.scope, Exit.void);
});

/** Its nodes say goodbye; what has been begun is finished. */
export const stopParty = Effect.fn("federation.stop")(function* (party: Party) {
  const { life } = party;
  if (life === undefined) return;
  party.life = undefined;
  const leave = Effect.forEach(life.running.server.nodes, ({ leave }) => leave, { discard: true });
  yield* Effect.timeoutOption(leave, FAREWELL_MS);
  yield* Scope.close(life.scope, Exit.void);
});

/** The telephone network as that company's exchange sees it: with the times of its own clock. */
const pstnOf = ({ plan, checks }: Federation, { host, name }: Party, pstn: PstnShape): PstnShape => {
  const planted = plan.planted ?? [];
  const stamped = (event: PstnEvent): PstnEvent =>
    event.type === "failed" ? event : { ...event, atMs: unixMs(event.atMs + host.clock.skewMs) };
  const isStolen = (number: string) =>
    planted.includes("misdialled") && plan.adversaries.some(({ targets }) => targets.includes(number));
  const isCompany = plan.companies.some((company) => company.name === name);
  return {
    place: pstn.place,
    attach: (line) =>
      Effect.map(
        pstn.attach({
          ...line,
          serves: (number) => line.serves(number) && !(isCompany && isStolen(number)),
          incoming: (call) => Effect.map(line.incoming(call), (tell) => (event) => tell(stamped(event))),
        }),
        (trunk) => ({
          place: (call, tell) =>
            Effect.suspend(() => {
              if (planted.includes("unheard")) return tell({ type: "failed", why: "planted" });
              const { called, startMs, durationMs } = call;
              checks.placed({ from: name, called, startMs, stopMs: startMs + durationMs });
              return trunk.place(call, (event) => tell(stamped(event)));
            }),
        }),
      ),
  };
};
