/** A company whose border element is full, and has another: 503 sends the call there. RFC 3263 §4.3. */
import { deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { headerOf } from "../../codecs/sip/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { answerIn, at, srv, type Zone } from "../locate/zone.ts";
import { answer } from "../proxy/world.ts";
import { authorityOf } from "../sip/domains.ts";
import { company, inviteTo, ticketBy } from "./companies.ts";
import { byAlice, request } from "./dialog.ts";
import { ACME, AGENT, inner, shown, World } from "./world.ts";

const NAMED = "Route: <sip:x7@acme.example;transport=tls;lr>";
const invite = (branch = "z9hG4bK-1") => inner("INVITE", { lines: [NAMED], branch });
/** A call to a domain that is found by its name, and what it was answered. */
const refused = (world: World, status = 503) => {
  const sent = world.from(AGENT, invite());
  same(shown(sent), ["INVITE acme.example"]);
  return world.from(ACME, answer(request(sent), status));
};
const place = (world: World, ...hosts: ReadonlyArray<string>) => {
  const asked = world.orders.findLast((order) => order.type === "places");
  if (asked?.type !== "places") throw new Error("nobody was asked");
  same([asked.besides.host, asked.besides.domain], ["acme.example", "acme.example"]);
  world.core.placed(
    asked.id,
    hosts.map((host) => ({ host, port: 5_061 })),
    world.nowMs,
  );
  return world.taken();
};

test("border: 503 of one place, and another takes the call", () => {
  const world = new World();
  same(shown(refused(world)), ["ACK acme.example"]);
  const sent = place(world, "198.51.100.8");
  same([shown(sent), sent[0]!.to.domain, sent[0]!.to.isNamed], [["INVITE 198.51.100.8"], "acme.example", false]);
  same(headerOf(request(sent), "Route"), NAMED.slice("Route: ".length));
  same(shown(world.from(ACME, byAlice(request(sent), 200))), ["200 192.0.2.11"]);
  same([world.core.size.calls, world.count("answered")], [1, 1]);
});

test("border: all places are full, or away: what they said, once; no more than two others are tried", () => {
  const world = new World();
  refused(world);
  let sent = place(world, "198.51.100.8", "198.51.100.9", "198.51.100.10");
  for (const next of ["INVITE 198.51.100.9", "503 192.0.2.11"]) {
    sent = world.from(ACME, answer(request(sent), 503));
    same(shown(sent).at(-1), next);
  }
  same(world.core.size.calls, 0);
  const away = new World();
  refused(away);
  const [there] = place(away, "198.51.100.8");
  away.core.unreachable(there!.to, away.nowMs);
  same(shown(away.taken()), ["503 192.0.2.11"]);
});

test("border: with no other place, and of any other refusal, the answer goes back as it came", () => {
  const world = new World();
  refused(world);
  same(shown(place(world)), ["503 192.0.2.11"]);
  for (const status of [486, 500, 603])
    same(shown(refused(new World(), status)), ["ACK acme.example", `${status} 192.0.2.11`]);
  // A route that names an address names all there is.
  const named = new World();
  const sent = named.from(AGENT, inner("INVITE"));
  same(shown(named.from(ACME, answer(request(sent), 503))), ["ACK 198.51.100.7", "503 192.0.2.11"]);
});

test("border: a caller who gives up while places are looked for has no other place called", () => {
  const world = new World();
  refused(world);
  same(shown(world.from(AGENT, inner("CANCEL", { lines: [], branch: "z9hG4bK-1" }))), ["200 192.0.2.11"]);
  same(shown(place(world, "198.51.100.8")), ["503 192.0.2.11"]);
  world.pass(200_000);
  same([world.core.size.calls, world.core.size.transactions], [0, 0]);
});

const ZONE: Zone = {
  "SRV _sips._tcp.nord.example": [srv(1, 0, 5_061, "one"), srv(2, 0, 5_061, "two")],
  "A one": at("192.0.2.21"),
  "A two": at("192.0.2.22"),
};
test("border: of two border elements of a company, by its DNS, the first is full: the second has the call, and the next", async () => {
  const program = Effect.gen(function* () {
    const issue = yield* authorityOf;
    const acme = yield* company("acme.example", issue, { privateOutside: false });
    const outside = (host: string) => ({ outside: { host, port: 5_061 } });
    const full = yield* company("nord.example", issue, { ...outside("192.0.2.21"), limits: { calls: 0 } });
    const nord = yield* company("nord.example", issue, outside("192.0.2.22"));
    const ticket = yield* ticketBy("acme.example");
    for (const callId of ["one", "two"]) {
      const invite = inviteTo(nord.border, ticket, callId, acme.agent);
      const headers = invite.headers.map(({ name, value }) =>
        name === "Route" ? { name, value: "<sip:x7@nord.example;transport=tls;lr>" } : { name, value },
      );
      yield* acme.agent.send({ ...invite, headers }, acme.inside);
      // Behind the ACK of the call before.
      const heard = yield* Effect.repeat(nord.agent.request, { until: ({ method }) => method === "INVITE" });
      same([heard.method, headerOf(heard, "Call-ID")], ["INVITE", callId]);
      yield* nord.agent.send(answer(heard, 486), nord.inside);
      same((yield* acme.agent.response).status, 486);
    }
    same([full.border.counters().refused, nord.border.counters().admitted], [{ full: 2 }, 2]);
  });
  const dns = (question: Parameters<typeof answerIn>[1]) => answerIn(ZONE, question);
  await runVirtual(Effect.scoped(program).pipe(Effect.provide(memoryLayer({ seed: 3, dns }))) as Effect.Effect<void>);
});
