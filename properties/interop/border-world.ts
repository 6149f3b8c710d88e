/**
 * Two border elements of `vipr border`, each its company's, between whatever plays their call agents; and tickets for calls
 * from one to the other.
 *
 *   acme's call agent -- UDP --> acme's border ====== mutual TLS ======> nord's border -- UDP --> nord's call agent
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Clock, Effect } from "effect";
import { openTicketIssuer } from "../../actors/ticket/mod.ts";
import { e164, nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { pemOf } from "../../runtime/keys.ts";
import { credentialsUnder } from "../kit/port-laws.ts";
import { folder } from "./baresip.ts";
import { vipr, viprNow } from "./company-world.ts";
import { freePort, HOST, until } from "./peers.ts";

export const CALLED = "+4930555001";
export const SECRET = { epoch: 1, password: "the-secret-of-nord" } as const;
const START_TURNS = 3_000;

export interface Element {
  readonly config: string;
  readonly inside: number;
  readonly outside: number;
  readonly agent: number;
}

/** The files of one domain's border element. */
export const element = Effect.fn("interop.element")(function* (
  at: string,
  domain: string,
  root: Authority,
  more: ReadonlyArray<string> = [],
) {
  const [inside, outside, agent] = (yield* Effect.all([freePort, freePort, freePort])) as [number, number, number];
  const shown = yield* credentialsUnder(domain, root);
  const file = (name: string) => join(at, `${domain}.${name}`);
  writeFileSync(file("key"), pemOf(shown.key), { mode: 0o600 });
  writeFileSync(file("pem"), shown.certificates.map(pemCertificate).join(""));
  writeFileSync(file("secrets"), `domain ${domain}\nepoch ${SECRET.epoch}\npassword ${SECRET.password}\n`);
  writeFileSync(
    file("toml"),
    `domain = "${domain}"
data = "${file("data")}"
[border]
outside = "${HOST}:${outside}"
inside = ["udp:${HOST}:${inside}", "tcp:${HOST}:${inside}"]
call-agents = ["udp:${HOST}:${agent}"]
outside-private = true
certificate-file = "${file("pem")}"
key-file = "${file("key")}"
ca-file = "${join(at, "roots.pem")}"
secrets-file = "${file("secrets")}"
domain-calls-per-second-max = 1000
${more.join("\n")}
`,
  );
  return { config: file("toml"), inside, outside, agent } satisfies Element as Element;
});
export type Authority = Effect.Success<ReturnType<typeof makeAuthority>>;

export const serve = Effect.fn("interop.border")(function* ({ config }: Element) {
  const { child, said } = yield* vipr("border", "--config", config);
  yield* until("ready", () => /^ready$/m.test(said.text) || child.exitCode !== null, said, START_TURNS);
  return { child, said };
});

/** What both need: a folder, an authority whose root each believes. */
export const grounds = Effect.gen(function* () {
  const at = yield* folder;
  const root = yield* makeAuthority({ name: "interop border", nowMs: yield* Clock.currentTimeMillis });
  writeFileSync(join(at, "roots.pem"), pemCertificate(root.root));
  return { at, root };
});

/** nord's, for calls from acme to `CALLED`; minted so long ago. */
export const ticketOf = Effect.fnUntraced(function* (
  secret: { readonly epoch: number; readonly password: string },
  ageMs = 0,
) {
  const clock = yield* Clock.Clock;
  const issuer = yield* openTicketIssuer({ grantingNode: nodeIdFrom(7n), grantingDomain: "nord.example", secret });
  const then = Effect.map(clock.currentTimeMillis, (nowMs) => nowMs - ageMs);
  return yield* issuer
    .issue({ number: e164(CALLED), grantedTo: "acme.example", vservice: vserviceId(1n) })
    .pipe(Effect.provideService(Clock.Clock, Object.assign(Object.create(clock), { currentTimeMillis: then })));
});

/** What it says of itself. */
export const reportOf = ({ config }: Element) => JSON.parse(viprNow("calls", "--config", config, "--json")).programs[0];
