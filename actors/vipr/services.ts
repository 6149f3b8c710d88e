/**
 * The VServices that call agents have published at this server, their numbers, and the tickets that are granted for them.
 * docs/protocol/pvp.md#the-exchange. DECISIONS.md D-079.
 */
import { Effect, Schedule } from "effect";
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import { parseUri } from "../../codecs/sip/mod.ts";
import { normalDomain } from "../../codecs/ticket/mod.ts";
import { type ServiceIdentity, type ValInfo, type VService, withFittingRoutes } from "../../codecs/vap/mod.ts";
import type { TicketIssuer } from "../ticket/mod.ts";
import type { PvpGrant, PvpGrantRequest } from "../validation/mod.ts";
import type { ViprWatch } from "./events.ts";

/** Numbers under one VService, at some 60 bytes each; further ones are refused with 481. */
export const NUMBERS_MAX = 1_200_000;

/**
 * After a restart the agents of a VService have to connect and publish it again. A caller that proves a call to it meanwhile is
 * kept waiting for this long: each call is validated once only, so that a 404 would waste its proof.
 */
const RETURN_MS_MAX = 8_000;
const RETURN_CHECK_MS = 200;

interface Service {
  /**
   * By instance and member of the cluster: each instance has its own routes; everything else is common to the VService.
   * draft vap-02 §8.3.
   */
  readonly instances: Map<string, VService>;
  document: VService;
  readonly numbers: Set<E164>;
}

export interface Services {
  /** `at`: the other member of a cluster where its agent is connected; here without it. */
  readonly publish: (identity: Instance, document: VService, at?: string) => void;
  readonly withdraw: (identity: Instance, at?: string) => void;
  /** Whether an agent that is connected here publishes it. */
  readonly isHere: (vservice: VServiceId) => boolean;
  /** False: no such VService, or no more room. */
  readonly addNumber: (vservice: VServiceId, number: E164) => boolean;
  readonly dropNumber: (vservice: VServiceId, number: E164) => void;
  readonly hasNumberOf: (vservice: VServiceId, number: E164) => boolean;
  /** Whether any VService has it. Undefined while none is published, as before the agents reconnect. */
  readonly hasNumber: (number: E164, isOurs?: (vservice: VServiceId) => boolean) => Effect.Effect<boolean | undefined>;
  readonly document: (vservice: VServiceId) => VService | undefined;
  /** So many of the published numbers at most, and how many there are. */
  readonly published: (countMax: number) => {
    readonly some: ReadonlyArray<{ readonly vservice: VServiceId; readonly number: E164 }>;
    readonly count: number;
  };
  /** Those that have that number. */
  readonly vservicesOf: (number: E164) => ReadonlyArray<VServiceId>;
  /** Of the VServices that the company asked for owns. */
  readonly didCount: (isOurs: (vservice: VServiceId) => boolean) => number;
  /** Whether the VService's black or white list admits this domain. */
  readonly welcomes: (vservice: VServiceId, domain: string) => boolean;
  readonly grant: (request: PvpGrantRequest) => Effect.Effect<PvpGrant>;
  /** The domain of a validated route, and whether the VService that made the call wants it. Empty: no single domain. */
  readonly leadsTo: (vservice: VServiceId, info: ValInfo) => { readonly domain: string; readonly isWelcome: boolean };
}

type Instance = Pick<ServiceIdentity, "vservice" | "instance">;
const HERE = "";
const keyOf = (instance: bigint, at: string): string => `${instance}@${at}`;
const instanceOf = (key: string): string => key.slice(0, key.indexOf("@"));

export const makeServices = (
  issuerFor: (domain: string) => TicketIssuer | undefined,
  /** Whether the overlay has that number from us, perhaps from before a restart, with agents that have not reconnected yet. */
  isStored: (vservice: VServiceId, number: E164) => Effect.Effect<boolean>,
  watch: ViprWatch,
  /** Whether a user has published that VService, perhaps before the restart. */
  isOwned: (vservice: VServiceId) => boolean,
  /** Whether the operator has switched that number off. */
  isOff: (number: E164) => boolean = () => false,
): Services => {
  const services = new Map<VServiceId, Service>();

  const welcomes: Services["welcomes"] = (vservice, domain) => {
    const list = services.get(vservice)?.document.list;
    const name = normalDomain(domain);
    if (list === undefined || name === undefined) return name !== undefined;
    return list.domains.some((listed) => normalDomain(listed) === name) === (list.type === "whitelist");
  };

  /** Published, or stored in the overlay since before the restart. */
  const hasNumber = ({ numbers }: Service, vservice: VServiceId, number: E164): Effect.Effect<boolean> =>
    isOff(number) ? Effect.succeed(false) : numbers.has(number) ? Effect.succeed(true) : isStored(vservice, number);

  /** The VService; after a restart, once its agents are back. Undefined: no agent publishes it. */
  const serviceOf = (vservice: VServiceId): Effect.Effect<Service | undefined> =>
    Effect.suspend(() => {
      const service = services.get(vservice);
      return service === undefined && isOwned(vservice) ? Effect.fail("away" as const) : Effect.succeed(service);
    }).pipe(
      Effect.retry({ schedule: Schedule.spaced(RETURN_CHECK_MS), times: RETURN_MS_MAX / RETURN_CHECK_MS }),
      Effect.orElseSucceed(() => undefined),
    );

  const grant: Services["grant"] = Effect.fn("vipr.grant")(function* ({ number, domain, vservice }) {
    const decline = (code: 403 | 404 | 503) =>
      Effect.as(watch({ type: "declined", number, domain, code }, vservice), { type: "refused", code } as const);
    const service = yield* serviceOf(vservice);
    if (service === undefined) return yield* decline(404);
    if (!(yield* hasNumber(service, vservice, number))) return yield* decline(404);
    if (!welcomes(vservice, domain)) return yield* decline(403);
    const issuer = issuerFor(service.document.domain);
    if (issuer === undefined) return yield* decline(503);
    const ticket = yield* Effect.option(issuer.issue({ number, grantedTo: domain, vservice }));
    if (ticket._tag === "None") return yield* decline(503);
    yield* watch({ type: "granted", number, domain }, vservice);
    // An agent that has moved from one member to another is there twice for a moment.
    const instances = new Map([...service.instances].map(([key, document]) => [instanceOf(key), document]));
    const routes = [...instances.values()].flatMap((instance) => instance.routes);
    return { type: "granted", valInfo: withFittingRoutes({ number, ticket: ticket.value, routes }) } as const;
  });

  return {
    publish: ({ vservice, instance }, document, at = HERE) => {
      const service = services.get(vservice) ?? { instances: new Map(), document, numbers: new Set<E164>() };
      service.instances.set(keyOf(instance, at), document);
      service.document = document;
      services.set(vservice, service);
    },
    withdraw: ({ vservice, instance }, at = HERE) => {
      const service = services.get(vservice);
      if (service?.instances.delete(keyOf(instance, at)) !== true) return;
      const [left] = service.instances.values();
      if (left === undefined) services.delete(vservice);
    },
    isHere: (vservice) => [...(services.get(vservice)?.instances.keys() ?? [])].some((key) => key.endsWith(`@${HERE}`)),
    addNumber: (vservice, number) => {
      const service = services.get(vservice);
      if (service === undefined || (service.numbers.size >= NUMBERS_MAX && !service.numbers.has(number))) return false;
      service.numbers.add(number);
      return true;
    },
    dropNumber: (vservice, number) => void services.get(vservice)?.numbers.delete(number),
    hasNumberOf: (vservice, number) => services.get(vservice)?.numbers.has(number) === true,
    hasNumber: Effect.fnUntraced(function* (number, isOurs = () => true) {
      const ours = [...services].filter(([vservice]) => isOurs(vservice));
      for (const [vservice, service] of ours) if (yield* hasNumber(service, vservice, number)) return true;
      return ours.length === 0 ? undefined : false;
    }),
    document: (vservice) => services.get(vservice)?.document,
    published: (countMax) => {
      const some: Array<{ vservice: VServiceId; number: E164 }> = [];
      let count = 0;
      for (const [vservice, { numbers }] of services) {
        count += numbers.size;
        for (const number of numbers) {
          if (some.length >= countMax) break;
          some.push({ vservice, number });
        }
      }
      return { some, count };
    },
    vservicesOf: (number) =>
      [...services].flatMap(([vservice, { numbers }]) => (numbers.has(number) ? [vservice] : [])),
    didCount: (isOurs) =>
      [...services].reduce((sum, [vservice, { document }]) => (isOurs(vservice) ? sum + document.didCount : sum), 0),
    welcomes,
    grant,
    leadsTo: (vservice, info) => {
      const domain = domainOf(info) ?? "";
      return { domain, isWelcome: domain !== "" && welcomes(vservice, domain) };
    },
  };
};

/** The domain of a validated route: the host of its URIs. Undefined unless all of them agree. */
const domainOf = (info: ValInfo): string | undefined => {
  const hosts = info.routes.flatMap(({ sipUris }) =>
    sipUris.map((text) => {
      const uri = parseUri(text);
      return uri.ok && uri.value.type === "sip" ? normalDomain(uri.value.host) : undefined;
    }),
  );
  return hosts.every((host) => host === hosts[0]) ? hosts[0] : undefined;
};
