/** What a proxy reads in single fields, and what it writes: Via, Request-URI, branch, tags. RFC 3261 §16 to §18. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  ackOf,
  branchOf,
  cancelOf,
  headerOf,
  listOf,
  parseUri,
  type SipRequest,
  type SipResponse,
} from "../../codecs/sip/mod.ts";
import { CORE_TIMING, completed, hopOf, proxyRequestServer, replyTo } from "../../machines/proxy/mod.ts";
import { better } from "../../machines/proxy/respond.ts";
import { upstreamOf } from "../../machines/proxy/via.ts";
import { runs, test } from "../kit/harness.ts";
import { answer, invite, PBX, request, shown, sourceOf, TRUNK, World, within } from "./world.ts";

const only = (sent: ReadonlyArray<{ readonly message: unknown }>): SipRequest => sent[0]!.message as SipRequest;
const hop = (uri: string) => {
  const read = parseUri(uri);
  ok(read.ok);
  return hopOf(read.value);
};

test("RFC 3261 §16.3: an INVITE that comes twice, by two ways, is forwarded twice and is no error", () => {
  const world = new World();
  for (const branch of ["z9hG4bKone", "z9hG4bKtwo"])
    same(shown(world.from(PBX, invite({ branch }))), ["INVITE 198.51.100.1"], branch);
});

test("RFC 3261 §16.5: a request within a call goes where its Request-URI says, to its maddr if it has one", () => {
  for (const [contact, host] of [
    ["<sip:ben@198.51.100.1:5060>", "198.51.100.1"],
    ["<sip:ben@nowhere.example;maddr=198.51.100.2>", "198.51.100.2"],
  ] as const) {
    const world = new World();
    const out = only(world.from(PBX, invite()));
    const [up] = world.from(TRUNK, answer(out, 200, { contact }));
    const [ack] = world.from(PBX, within("ACK", invite(), up!.message as SipResponse));
    same([ack!.to.host, (ack!.message as SipRequest).uri], [host, contact.slice(1, -1)]);
  }
});

test("RFC 3261 §16.5: without any trunk a call is 404, and a request that leads nowhere is 404", () => {
  const world = new World({ route: () => ({ trunks: [] }) });
  same(shown(world.from(PBX, invite())), ["404 192.0.2.11"]);
  const lonely = new World({ peers: [{ name: "pbx", side: "pbx", transport: "UDP", host: PBX.host, port: 5060 }] });
  same(shown(lonely.from(PBX, request("MESSAGE", { uri: "sip:+49305550901@192.0.2.1" }))), ["404 192.0.2.11"]);
});

test("RFC 3261 §16.6: a sips target is dialled over TLS", () => {
  same(hop("sips:a@h.example"), { transport: "TLS", host: "h.example", port: 5061 });
  same(hop("sips:a@h.example:7000;transport=tcp"), { transport: "TLS", host: "h.example", port: 7000 });
  same(hop("sip:a@h.example"), { transport: "UDP", host: "h.example", port: 5060 });
});

// RFC 3261 §18.1.1
test("RFC 3261 §16.6: each branch has the cookie and is new; CANCEL and the ACK of a refusal have that of their INVITE", () => {
  const world = new World();
  const branches = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const out = only(world.from(PBX, invite({ callId: `c${i}`, branch: `z9hG4bKc${i}` })));
    const [via] = listOf(out, "Via");
    ok(via!.startsWith("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"), via);
    branches.add(branchOf(out)!);
    world.from(TRUNK, answer(out, 180));
    const [ok200, cancel] = world.from(PBX, request("CANCEL", { callId: `c${i}`, branch: `z9hG4bKc${i}` }));
    same([(ok200!.message as SipResponse).status, only([cancel!]).method], [200, "CANCEL"]);
    same(branchOf(only([cancel!])), branchOf(out));
    const [ack] = world.from(TRUNK, answer(out, 487));
    same([only([ack!]).method, branchOf(only([ack!]))], ["ACK", branchOf(out)]);
  }
  same(branches.size, 50);
});

// RFC 3261 §16.7, §17.1.1.2
test("RFC 3261 §16.6: timer C is more than three minutes, T1 half a second, unless it is told otherwise", () => {
  ok(CORE_TIMING.ringMs > 180_000);
  same(CORE_TIMING.t1Ms, 500);
});

const out = only(new World().from(PBX, invite()));
test("RFC 3261 §16.7: a response whose only Via is ours is forwarded to nobody", () => {
  const response = answer(out, 200);
  const alone = { ...response, headers: response.headers.filter(({ name }) => name !== "Via") };
  const [ours] = listOf(out, "Via");
  same(upstreamOf({ ...alone, headers: [{ name: "Via", value: ours! }, ...alone.headers] }, undefined), undefined);
  same(listOf(upstreamOf(response, undefined)!, "Via"), listOf(out, "Via").slice(1));
});

test("RFC 3261 §16.7: the best response, of any that came in any order", () => {
  const statuses = [300, 302, 400, 401, 403, 404, 407, 408, 415, 420, 484, 486, 500, 501, 503, 600, 603];
  const told = new Set([401, 407, 415, 420, 484]);
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...statuses), { minLength: 1, maxLength: 6 }), (came) => {
      const best = came.map((status) => answer(out, status)).reduce<SipResponse | undefined>(better, undefined)!.status;
      if (came.some((status) => status >= 600)) ok(best >= 600);
      // 408 and 503 say nothing of the callee: each counts as the last of its class.
      else same(Math.floor(best / 100), Math.min(...came.map((status) => Math.floor(status / 100))));
      if (best >= 400 && best < 500 && came.some((status) => told.has(status))) ok(told.has(best));
    }),
    { numRuns: runs },
  );
});

test("RFC 3261 §16.7: a response passes with every field but our Via as it came, To's tag and the body too", () => {
  for (const status of [180, 200, 302, 404, 486, 603]) {
    const world = new World();
    const sent = only(world.from(PBX, invite()));
    const lines = ["X-One: 1", 'Warning: 399 h "w"', "X-Two: a, b", "X-One: 2"];
    const response = answer(sent, status, { tag: "their-tag", lines, body: "v=0\r\n" });
    const passed = world
      .from(TRUNK, response)
      .map(({ message }) => message)
      .find(({ type }) => type === "response");
    const others = ({ headers }: SipResponse) =>
      headers.flatMap(({ name, value }) => (name === "Via" ? [] : [[name, value]]));
    same(others(passed as SipResponse), others(response), String(status));
    same(listOf(passed!, "Via"), listOf(invite(), "Via"));
    same(passed!.body, response.body);
  }
});

test("RFC 3261 §16.10: a CANCEL is 200 at once, and goes on with the branch of its INVITE once that rings", () => {
  const world = new World();
  const sent = only(world.from(PBX, invite()));
  const cancel = request("CANCEL", { branch: branchOf(invite())! });
  same(shown(world.from(PBX, cancel)), ["200 192.0.2.11"]);
  const went = world.from(TRUNK, answer(sent, 180)).map(({ message }) => message);
  const [on] = went.filter((message) => message.type === "request");
  same([on!.type === "request" && on!.method, branchOf(on!)], ["CANCEL", branchOf(sent)]);
});

test("RFC 3261 §17.1.1.3, §9.1: the ACK of a refusal and a CANCEL, field by field", () => {
  const asked = {
    ...out,
    headers: [
      ...out.headers,
      { name: "Route", value: "<sip:r1.example;lr>" },
      { name: "Route", value: "<sip:r2.example;lr>" },
    ],
  };
  const refusal = answer(asked, 486, { tag: "busy" });
  for (const [made, method, to] of [
    [ackOf(asked, refusal), "ACK", headerOf(refusal, "To")],
    [cancelOf(asked), "CANCEL", headerOf(asked, "To")],
  ] as const) {
    same([made.method, made.uri, headerOf(made, "To")], [method, asked.uri, to]);
    for (const name of ["Call-ID", "From"]) same(headerOf(made, name), headerOf(asked, name), name);
    same(listOf(made, "Via"), listOf(asked, "Via").slice(0, 1));
    same(listOf(made, "Route"), listOf(asked, "Route"));
    same(headerOf(made, "CSeq"), `1 ${method}`);
    same(made.body.length, 0);
    for (const name of ["Require", "Proxy-Require"]) same(headerOf(made, name), undefined);
  }
});

test("RFC 3261 §17.2.1: our 100 has no tag in To, as nobody has answered yet", () => {
  const world = new World();
  world.from(PBX, invite());
  const [trying] = world.pass(240);
  same([(trying!.message as SipResponse).status, headerOf(trying!.message, "To")], [100, headerOf(invite(), "To")]);
});

test("RFC 3261 §17.2.2: of a request's final responses the first goes out, and no other", () => {
  let { snapshot } = proxyRequestServer.start({ isReliable: false, t1Ms: 500 });
  const sent: Array<string> = [];
  for (const type of ["success", "success", "refusal", "provisional"] as const) {
    const step = proxyRequestServer.step(snapshot, { type } as never);
    snapshot = step.snapshot;
    sent.push(step.actions.map((action) => action.type).join(" "));
  }
  same(sent, ["send startTimer", "", "", ""]);
});

test("RFC 3261 §18.1.2: a response to nothing of ours goes nowhere, and is counted", () => {
  const world = new World();
  const sent = only(world.from(PBX, invite()));
  const foreign = {
    ...sent,
    headers: [{ name: "Via", value: "SIP/2.0/UDP 203.0.113.7:5060;branch=z9hG4bKtheirs" }, ...sent.headers.slice(1)],
  };
  same(shown(world.from(TRUNK, answer(foreign, 200))), []);
  same(world.orders.filter((order) => order.type === "count" && order.what === "strayResponses").length, 1);
});

test("RFC 3261 §18.2.2: over UDP a response goes to maddr, else where the request came from, to the port of sent-by", () => {
  const from = sourceOf({ host: PBX.host, port: 40_123 });
  const to = (via: string) => {
    const { host, port } = replyTo(completed(invite({ via }), from), from);
    return [host, port];
  };
  same(to("SIP/2.0/UDP 192.0.2.11:5099;branch=z9hG4bKa"), [PBX.host, 5_099]);
  same(to("SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa"), [PBX.host, 5_060]);
  same(to("SIP/2.0/UDP 192.0.2.11:5099;maddr=192.0.2.12;branch=z9hG4bKa"), ["192.0.2.12", 5_099]);
});
