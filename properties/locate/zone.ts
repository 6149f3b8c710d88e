/** Small worlds of names, and where RFC 3263 leads in them: written a second time, plainly, with the whole zone at hand. */
import fc from "fast-check";
import type { DnsAnswer, DnsQuestion, DnsRecord, LocateInput } from "../../machines/locate/mod.ts";

/** Records by "KIND name". A failed question has a text. */
export type Zone = Readonly<Record<string, ReadonlyArray<DnsRecord> | string>>;
type Transport = LocateInput["transports"][number];

export const answerIn = (zone: Zone, { kind, name }: DnsQuestion, ttlS = 60): DnsAnswer => {
  const found = zone[`${kind} ${name}`];
  if (typeof found === "string") return { type: "failed", why: found };
  return found === undefined || found.length === 0 ? { type: "none" } : { type: "records", records: found, ttlS };
};

export const naptr = (order: number, preference: number, service: string, replacement: string): DnsRecord => ({
  kind: "NAPTR",
  order,
  preference,
  flags: "s",
  service,
  regexp: "",
  replacement,
});
export const srv = (priority: number, weight: number, port: number, target: string): DnsRecord => ({
  kind: "SRV",
  priority,
  weight,
  port,
  target,
});
export const at = (...addresses: ReadonlyArray<string>): ReadonlyArray<DnsRecord> =>
  addresses.map((address) => ({ kind: address.includes(":") ? "AAAA" : "A", address }));

export const DOMAIN = "nord.example";
const HOSTS = ["a.nord.example", "b.nord.example", "c.sued.example", ""];
const SERVICES = ["_sip._udp", "_sip._tcp", "_sips._tcp"].map((service) => `${service}.${DOMAIN}`);

const small = fc.integer({ min: 0, max: 3 });
const someOf = <T>(one: fc.Arbitrary<T>, maxLength: number) => fc.array(one, { maxLength });
const naptrs = someOf(
  fc
    .tuple(
      small,
      small,
      fc.constantFrom("SIP+D2U", "SIP+D2T", "SIPS+D2T", "SIP+D2S", "E2U+sip"),
      fc.constantFrom(...SERVICES),
    )
    .map(([order, preference, service, to]) => naptr(order, preference, service, to)),
  4,
);
const srvs = someOf(
  fc.tuple(small, small, fc.constantFrom(5_060, 5_071), fc.constantFrom(...HOSTS)).map((of) => srv(...of)),
  4,
);
const v4 = someOf(fc.constantFrom("192.0.2.1", "192.0.2.2", "198.51.100.1"), 3).map((all) => at(...all));
const v6 = someOf(fc.constantFrom("2001:db8::1", "2001:db8::2", "fd00::1", "2002:c000:201::1"), 3).map((all) =>
  at(...all),
);

export const zones: fc.Arbitrary<Zone> = fc.record({
  [`NAPTR ${DOMAIN}`]: naptrs,
  ...Object.fromEntries(SERVICES.map((name) => [`SRV ${name}`, srvs])),
  ...Object.fromEntries(
    [DOMAIN, ...HOSTS.slice(0, 3)].flatMap((name) => [
      [`A ${name}`, v4],
      [`AAAA ${name}`, v6],
    ]),
  ),
});

export const inputs: fc.Arbitrary<LocateInput> = fc.record({
  secure: fc.boolean(),
  target: fc.constantFrom(DOMAIN, DOMAIN, DOMAIN, "192.0.2.7", "2001:db8::7"),
  name: fc.constant(DOMAIN),
  port: fc.constantFrom(undefined, undefined, 5_080),
  transport: fc.constantFrom(undefined, undefined, "udp", "tcp", "tls", "sctp"),
  transports: fc.shuffledSubarray<Transport>(["UDP", "TCP", "TLS"], { minLength: 1 }),
  families: fc.subarray<"IPv6" | "IPv4">(["IPv6", "IPv4"], { minLength: 1 }),
  seed: fc.nat(),
  answerMs: fc.constant(1_500),
});

/** Places that may be tried in any order among each other; "nowhere" without any. */
export type Plainly = ReadonlyArray<
  ReadonlyArray<{ transport: Transport; server: string; hosts: Array<string>; port: number }>
>;

const RANK = (address: string): number =>
  !address.includes(":") ? 2 : address.startsWith("2001:db8") ? 1 : address.startsWith("2002") ? 3 : 4;
const DEFAULTS = { UDP: 5_060, TCP: 5_060, TLS: 5_061 };
const isNumeric = (host: string) => host.includes(":") || /^[0-9.]+$/.test(host);

/** RFC 3263 §4.1 and §4.2 read aloud. */
export const plainly = (zone: Zone, input: LocateInput): Plainly => {
  const of = (key: string): ReadonlyArray<any> => (Array.isArray(zone[key]) ? (zone[key] as ReadonlyArray<any>) : []);
  const hostsOf = (name: string): Array<string> => {
    const all: Array<string> = isNumeric(name)
      ? [name]
      : [...of(`AAAA ${name}`), ...of(`A ${name}`)].map(({ address }) => address);
    const usable = [...new Set(all)].filter((one) => input.families.includes(one.includes(":") ? "IPv6" : "IPv4"));
    return [1, 2, 3, 4].flatMap((rank) => usable.filter((one) => RANK(one) === rank));
  };
  const can = (transport: Transport) => input.transports.includes(transport) && (!input.secure || transport === "TLS");
  const single = (transport: Transport, port: number) => [
    [{ transport, server: input.target, hosts: hostsOf(input.target), port }],
  ];
  const byServices = (services: ReadonlyArray<readonly [Transport, string]>, otherwise: Transport): Plainly => {
    const groups = services.flatMap(([transport, name]) => {
      const there = of(`SRV ${name}`).filter(({ target }) => target !== "");
      return [0, 1, 2, 3].map((priority) =>
        there
          .filter((one) => one.priority === priority)
          .map(({ target, port }) => ({
            transport,
            server: target as string,
            hosts: hostsOf(target),
            port: port as number,
          })),
      );
    });
    if (groups.flat().length > 0) return groups;
    const isDenied = services.some(([transport, name]) => transport === otherwise && of(`SRV ${name}`).length > 0);
    return isDenied ? [] : single(otherwise, DEFAULTS[otherwise]);
  };
  const nameOf = (transport: Transport) =>
    `${{ UDP: "_sip._udp", TCP: "_sip._tcp", TLS: "_sips._tcp" }[transport]}.${input.target}`;

  let transport: Transport | undefined;
  if (input.transport !== undefined) {
    const named = { udp: "UDP", tcp: input.secure ? "TLS" : "TCP", tls: "TLS", sctp: undefined }[input.transport];
    if (named === undefined || !can(named as Transport)) return [];
    transport = named as Transport;
  } else if (isNumeric(input.target) || input.port !== undefined) {
    transport = input.secure ? "TLS" : can("UDP") ? "UDP" : input.transports[0]!;
    if (!can(transport)) return [];
  }
  if (transport !== undefined)
    return isNumeric(input.target) || input.port !== undefined
      ? single(transport, input.port ?? DEFAULTS[transport])
      : byServices([[transport, nameOf(transport)]], transport);
  const rules = of(`NAPTR ${input.target}`).filter(({ service }) => /^SIPS?\+D2/.test(service));
  if (rules.length === 0) {
    const mine = input.transports.filter(can);
    if (mine.length === 0) return [];
    return byServices(
      mine.map((one) => [one, nameOf(one)]),
      input.secure ? "TLS" : can("UDP") ? "UDP" : mine[0]!,
    );
  }
  const meant = { "SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS" } as Record<string, Transport>;
  const usable = rules.filter(({ service }) => meant[service] !== undefined && can(meant[service]!));
  if (usable.length === 0) return [];
  const first = Math.min(...usable.map(({ order }) => order));
  const chosen = [0, 1, 2, 3].flatMap((preference) =>
    usable.filter((one) => one.order === first && one.preference === preference),
  );
  return byServices(
    chosen.map((one) => [meant[one.service]!, one.replacement] as const),
    meant[chosen[0].service]!,
  );
};
