/** `vipr server` as two companies run it: processes, directories, call agents over VAP; and what a kill -9 does not take. */
import { ok, deepStrictEqual as same } from "node:assert";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Clock, Effect, Layer, Logger, Queue } from "effect";
import { connectVap, type VapClient } from "../../actors/vap/mod.ts";
import { e164, hexOf, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import { readTicket } from "../../codecs/ticket/mod.ts";
import { vapKey } from "../../codecs/vap/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { addAccount } from "../../runtime/cli/accounts.ts";
import { addAgent, readAgents, removeAgent } from "../../runtime/cli/agents.ts";
import { addDomain, readDomains, removeDomain } from "../../runtime/cli/domains.ts";
import { exitCode, type Stopped } from "../../runtime/cli/exit.ts";
import { type Folder, openFolder } from "../../runtime/cli/folder.ts";
import { credentialsUnder } from "../../runtime/cli/own-authority.ts";
import { derOfPem } from "../../runtime/cli/pem.ts";
import { serverCommand } from "../../runtime/cli/server.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { HOUR_MS } from "../validation/arbitrary.ts";
import { BEFORE, POLITE_END, type Running, start, until, vipr, withFolder } from "./processes.ts";

const HOST = "127.0.0.1";
const [CALLING, CALLED] = [e164("+14085551000"), e164("+498912345678")];
const WORDS = { a: "a keeps its word", b: "b keeps its word", pbx: "the exchange's word" } as const;
const JOINED = /^node ([0-9a-f]{32}) of vipr\.test is at (\S+), admin/m;
const LEARNED_MS_MAX = 30_000;

type Company = "a" | "b";
const VSERVICE = { a: 0xa1n, b: 0xb2n } as const;
const domainOf = (company: Company) => `${company}.example`;
const NUMBER = { a: CALLING, b: CALLED } as const;

/** The call as one side's exchange wrote it down; the clocks are 2 s apart. */
const callOf = (company: Company): Vcr => {
  const lateMs = company === "a" ? 0 : 2_000;
  return {
    direction: company === "a" ? "sent" : "received",
    calling: CALLING,
    called: CALLED,
    startMs: unixMs(HOUR_MS + 700_000 + lateMs),
    stopMs: unixMs(HOUR_MS + 1_900_000 + lateMs),
    vservice: vserviceId(VSERVICE[company]),
  };
};

interface Place {
  readonly dir: (name: string) => string;
  readonly word: (name: keyof typeof WORDS) => string;
  readonly ports: Readonly<Record<Company, { readonly reload: number; readonly vap: number; readonly pvp: number }>>;
}
const placeIn = async (root: string): Promise<Place> => {
  const dir = (name: string) => join(root, name);
  for (const [name, word] of Object.entries(WORDS)) writeFileSync(dir(`word-${name}`), `${word}\n`);
  const three = async () => ({ reload: await freePort(), vap: await freePort(), pvp: await freePort() });
  return { dir, word: (name) => dir(`word-${name}`), ports: { a: await three(), b: await three() } };
};

const openAuthority = async ({ dir, ports }: Place) => {
  const added = Effect.flatMap(openFolder(dir("authority")), (folder) =>
    Effect.forEach(["a", "b"] as const, (name) => addAccount(folder, name, WORDS[name])),
  );
  await Effect.runPromise(added);
  const args = (listen: string) => [
    ...["authority", "--data", dir("authority"), "--name", "vipr.test", "--listen", listen],
    ...["--bootstrap", `${HOST}:${ports.a.reload}`],
  ];
  const authority = start(args(`${HOST}:0`), "", BEFORE);
  const url = (await authority.said(/^enrolment +(\S+)$/m))[1]!;
  const fingerprint = (await authority.said(/^fingerprint +(\S+)$/m))[1]!;
  const again = async () => {
    same(await authority.kill("SIGTERM"), POLITE_END);
    const second = start(args(new URL(url).host));
    same((await second.said(/^fingerprint +(\S+)$/m))[1], fingerprint);
    return second;
  };
  return { again, trust: ["--authority", url, "--fingerprint", fingerprint] };
};

/** a speaks VAP on loopback, b on every address and so over TLS. */
const serverArgs = ({ dir, ports }: Place, company: Company, ...more: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { reload, vap, pvp } = ports[company];
  return [
    ...["server", "--data", dir(company), "--listen", `${HOST}:${reload}`, "--pvp", `${HOST}:${pvp}`],
    ...["--vap", `${company === "a" ? HOST : "0.0.0.0"}:${vap}`, "--admin", `${HOST}:0`],
    ...more,
  ];
};

/** A call agent as an exchange has one, in this process; it stays while the servers go and come. */
const agentOf = Effect.fnUntraced(function* ({ dir, ports }: Place, company: Company) {
  const own = yield* credentialsUnder(
    yield* makeAuthority({ name: "an exchange", nowMs: yield* Clock.currentTimeMillis }),
    "exchange",
  );
  const roots = company === "a" ? [] : derOfPem(readFileSync(join(dir("b"), "vap-root.pem"), "utf8"), "CERTIFICATE");
  return yield* connectVap({
    host: HOST,
    port: ports[company].vap,
    ...(company === "a" ? {} : { tls: { ...own, roots } }),
    username: "pbx",
    password: WORDS.pbx,
    name: "exchange/1.0",
    vservice: vserviceId(VSERVICE[company]),
    reconnectMs: [5, 10],
  });
});

const publish = Effect.fnUntraced(function* (agent: VapClient, company: Company) {
  const domain = domainOf(company);
  const routes = [{ sipUris: [`sip:x@${domain}:5061;maddr=192.0.2.1;transport=tls`] }];
  yield* agent.publishVService({ id: "exchange", dhtName: "vipr.test", didCount: 1, domain, routes });
  same(
    (yield* agent.publishNumbers([NUMBER[company]])).map(({ result }) => result.type),
    ["done"],
  );
});

const noSecretIn = (text: string, where: string) => {
  for (const secret of [...Object.values(WORDS), CALLED.slice(1), CALLING.slice(1)])
    ok(!text.includes(secret), `${where}: ${secret}`);
};

test("two companies: what was acknowledged before kill -9 of both servers is validated after it, and explained", () =>
  withFolder(async (root) => {
    const place = await placeIn(root);
    const { dir, word } = place;
    const { again, trust } = await openAuthority(place);
    const run = async (main: string | undefined, company: Company, ...more: ReadonlyArray<string>) => {
      // Who waits so little tells claimants when the call ended: it is worth its length, and no more.
      const pace = ["--wait", "5-6", "--grace", "8", "--required-bits", "6"];
      const server = start(serverArgs(place, company, ...pace, ...more), "", main);
      return { server, nodeId: (await server.said(JOINED))[1]! };
    };
    const enrolling = (company: Company) => [...trust, "--user", company, "--password-file", word(company)];

    // a is set up before its first start, b while it runs.
    const orders = (company: Company) => [
      ["add-agent", "pbx", "--password-file", word("pbx"), "--data", dir(company)],
      ["add-domain", domainOf(company), "--data", dir(company)],
    ];
    const said = await Promise.all(orders("a").map((order) => vipr(["server", ...order], "", BEFORE)));
    const first = { a: await run(BEFORE, "a", ...enrolling("a")), b: await run(BEFORE, "b", ...enrolling("b")) };
    await first.a.server.said(/^agents {3}1$/m);
    await first.b.server.said(/^vap .* TLS, root sha256:[0-9a-f:]+ in vap-root\.pem; DHTname vipr\.test$/m);
    await first.b.server.said(/^agents {3}none yet: vipr server add-agent NAME --data /m);
    await first.b.server.said(/^domains {2}none yet: /m);
    said.push(...(await Promise.all(orders("b").map((order) => vipr(["server", ...order])))));
    same(
      said.map(({ code, out, err }) => [code, out, err]),
      (["a", "b"] as const).flatMap((company) => [
        [0, "pbx may speak VAP\n", ""],
        [0, `${domainOf(company)} is granted for, epoch 1\n`, ""],
      ]),
    );
    const [used, below] = await Promise.all([
      vipr(serverArgs(place, "a")),
      vipr(["server", "--data", join(word("a"), "below"), ...enrolling("a"), "--listen", `${HOST}:0`]),
    ]);
    same([used.code, /another process uses this directory/.test(used.err)], [6, true], used.err);
    same(below.code, 7, below.err);

    const authority = await again();
    let second: { readonly a: { readonly server: Running }; readonly b: { readonly server: Running } } | undefined;
    await Effect.runPromise(
      Effect.gen(function* () {
        const [a, b] = [yield* agentOf(place, "a"), yield* agentOf(place, "b")];
        yield* Effect.all([publish(a, "a"), publish(b, "b")], { concurrency: 2 });
        yield* Effect.all([a.uploadVcr(callOf("a")), b.uploadVcr(callOf("b"))], { concurrency: 2 });
        const killed = [first.a.server, first.b.server].map((one) => one.kill("SIGKILL"));
        same(yield* Effect.promise(() => Promise.all(killed)), [null, null]);
        ok(!/vipr\.learned/.test(first.a.server.err()), "it was too late to kill");

        // No fingerprint, no password, no agent's word: the directory has it all.
        second = yield* Effect.promise(async () => {
          const [a, b] = await Promise.all([run(undefined, "a"), run(undefined, "b")]);
          return { a, b };
        });
        const learned = yield* Effect.timeoutOrElse(Queue.take(a.learned), {
          duration: LEARNED_MS_MAX,
          orElse: () => Effect.die(new Error(`nothing learned\n${second!.a.server.err()}\n${second!.b.server.err()}`)),
        });
        same(learned.number, CALLED);
        same(learned.routes[0]!.sipUris, ["sip:x@b.example:5061;maddr=192.0.2.1;transport=tls"]);
        const read = readTicket(learned.ticket);
        ok(read.ok);
        const { grantingDomain, grantedTo, epoch, vservice, grantingNode } = read.ticket;
        same([grantingDomain, grantedTo, epoch, vservice], ["b.example", "a.example", 1, VSERVICE.b]);
        same(grantingNode, BigInt(`0x${first.b.nodeId}`));
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(nodeLayer(), Logger.layer([])))),
    );
    const { a, b } = second!;

    const told = await vipr(["explain", CALLED, "--data", dir("a"), "--json"]);
    same(told.code, 0, told.err);
    const { story } = JSON.parse(told.out);
    same(story.claims.length, 1);
    ok(story.claims[0].missingBits === 0 && story.claims[0].bits >= 6, told.out);

    await until(async () => (/vipr\.granted/.test(b.server.err()) ? true : undefined), "the grant is logged");
    // While a has its ports, b's directory would do for others.
    same(await b.server.kill("SIGTERM"), POLITE_END);
    const late = await vipr([...serverArgs(place, "b"), "--vap", `${HOST}:${place.ports.a.vap}`]);
    same(
      [late.code, /another program has this port; --vap or --pvp takes another/.test(late.err)],
      [5, true],
      late.err,
    );
    const early = await vipr([...serverArgs(place, "b"), "--pvp", `${HOST}:${place.ports.a.pvp}`]);
    same([early.code, /--vap or --pvp takes another/.test(early.err)], [5, true], early.err);

    same(await Promise.all([a.server, authority].map((one) => one.kill("SIGTERM"))), [POLITE_END, POLITE_END]);
    for (const one of [first.a.server, first.b.server, a.server, b.server]) noSecretIn(one.out() + one.err(), "a log");
    for (const name of ["a", "b"])
      for (const file of readdirSync(dir(name))) {
        const path = join(dir(name), file);
        same(statSync(path).mode & 0o077, 0, path);
        for (const secret of Object.values(WORDS)) ok(!readFileSync(path).includes(secret), path);
      }
  }));

test("agents and domains: lines of files that hold no password; a domain's secret changes with its epoch only", () =>
  withFolder(async (root) => {
    const data = join(root, "s");
    const of = async <A>(work: (folder: Folder) => Effect.Effect<A, Stopped>) =>
      await Effect.runPromise(Effect.flatMap(openFolder(data), work));
    await of((folder) => addAgent(folder, "pbx", WORDS.pbx));
    same(readFileSync(join(data, "agents"), "utf8"), `pbx vap ${hexOf(vapKey("pbx", WORDS.pbx))}\n`);
    await of((folder) => removeAgent(folder, "pbx"));
    same((await of(readAgents)).size, 0);

    const domain = "a.example";
    const added = (isPrivate: boolean, isNewSecret: boolean) =>
      of((folder) => addDomain(folder, domain, { isPrivate, isNewSecret }));
    const [one, hidden, two] = [await added(false, false), await added(true, false), await added(false, true)];
    same([one.secret.epoch, hidden.isPrivate, hidden.secret], [1, true, one.secret]);
    same([two.secret.epoch, two.isPrivate, two.secret.password === one.secret.password], [2, false, false]);
    const shown = await vipr(["server", "domain-secret", "A.example", "--data", data]);
    same([shown.code, shown.out], [0, `domain    ${domain}\nepoch     2\npassword  ${two.secret.password}\n`]);
    await of((folder) => removeDomain(folder, domain));
    same([...(await of(readDomains)).keys()], []);
    // What was granted under an epoch of old must not be taken for a ticket of now.
    const three = await added(false, false);
    same([three.secret.epoch, three.secret.password === two.secret.password], [3, false]);
    writeFileSync(join(data, "domains"), `${domain} 255 ${two.secret.password}\n`);
    same((await Effect.runPromise(Effect.flip(addingLast(data)))).code, exitCode.refused);
    writeFileSync(join(data, "domains"), `${domain} 1 short public\n`);
    same((await vipr(["server", "domains", "--data", data])).code, exitCode.damaged);
  }));
const addingLast = (data: string) =>
  Effect.flatMap(openFolder(data), (folder) => addDomain(folder, "a.example", { isPrivate: false, isNewSecret: true }));

test("options of vipr server that cannot be taken end with 2, help with 0, what is not there with 4", async () => {
  const data = ["--data", "/nowhere/at/all"];
  const loopback = ["--listen", `${HOST}:0`];
  const wrong: ReadonlyArray<ReadonlyArray<string>> = [
    [],
    [...data, "--listen", "here"],
    [...data, "--listen", "0.0.0.0:0"],
    [...data, ...loopback, "--pvp", "here"],
    [...data, ...loopback, "--advertise-pvp", "pvp.example.com"],
    [...data, ...loopback, "--vap", "vap.example.com"],
    [...data, ...loopback, "--admin", "192.0.2.1:8080"],
    [...data, ...loopback, "--pvp-group", "1024"],
    [...data, ...loopback, "--required-bits", "65"],
    [...data, ...loopback, "--required-bits", "0"],
    [...data, ...loopback, "--wait", "10"],
    [...data, ...loopback, "--wait", "10-5"],
    [...data, ...loopback, "--wait", "0-5"],
    [...data, ...loopback, "--grace", "soon"],
    [...data, ...loopback, "--private"],
    [...data, ...loopback, "--public"],
    [...data, ...loopback, "--password", "on the command line"],
    [...data, "add-agent"],
    [...data, "add-agent", "two words"],
    [...data, "add-agent", "pbx", "another"],
    [...data, "add-domain", "no name"],
    [...data, "agents", "pbx"],
    [...data, "dance"],
  ];
  for (const args of wrong) {
    same(await serverCommand(args), exitCode.usage, args.join(" "));
    ok(!existsSync("/nowhere"), `${args.join(" ")}: nothing is made before the options are taken`);
  }
  same(await serverCommand(["--help"]), exitCode.done);
  await withFolder(async (root) => {
    mkdirSync(join(root, "s"), { mode: 0o700 });
    for (const order of ["remove-agent", "remove-domain", "domain-secret"])
      same(await serverCommand([order, "nobody", "--data", join(root, "s")]), exitCode.refused);
    writeFileSync(join(root, "s/authority.pem"), "");
    same(await serverCommand(["agents", "--data", join(root, "s")]), exitCode.usage);
  });
});
