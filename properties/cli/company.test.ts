/** `vipr company`: server, agent and border element of a company in one process, from one file, over a kill. */
import { ok, deepStrictEqual as same } from "node:assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import { addAccount } from "../../runtime/cli/accounts.ts";
import { openFolder } from "../../runtime/cli/folder.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { openPhone } from "../proxy/phone.ts";
import { HOST, PBX_HOST, TRUNK_HOST } from "./agent-config.ts";
import { POLITE_END, start, until, vipr, withFolder } from "./processes.ts";
import { answeredCall } from "./trunk-call.ts";

const WORD = "the company's own word";
const CALLED = "+49305550901";

const story = Effect.fn("test.company")(function* (folder: string) {
  const ports = yield* Effect.promise(() => Promise.all(Array.from({ length: 5 }, freePort)));
  const [reload, pvp, vap, admin, sip] = ports as [number, number, number, number, number];
  yield* Effect.flatMap(openFolder(join(folder, "authority")), (opened) => addAccount(opened, "acme", WORD));
  const authority = start([
    ...["authority", "--data", join(folder, "authority"), "--name", "vipr.test", "--listen", `${HOST}:0`],
    ...["--bootstrap", `${HOST}:${reload}`],
  ]);
  const url = (yield* Effect.promise(() => authority.said(/^enrolment +(\S+)$/m)))[1]!;
  const fingerprint = (yield* Effect.promise(() => authority.said(/^fingerprint +(\S+)$/m)))[1]!;
  const [pbx, trunk] = [yield* openPhone(PBX_HOST), yield* openPhone(TRUNK_HOST)];
  writeFileSync(join(folder, "password"), `${WORD}\n`, { mode: 0o600 });
  const config = join(folder, "vipr.toml");
  writeFileSync(
    config,
    `domain = "acme.example"
data = "${join(folder, "acme")}"
[server]
authority = "${url}"
fingerprint = "${fingerprint}"
user = "acme"
password-file = "${join(folder, "password")}"
listen = "${HOST}:${reload}"
pvp = "${HOST}:${pvp}"
vap = "${HOST}:${vap}"
admin = "${HOST}:${admin}"
[numbers]
country = "US"
own = ["+14085550200..+14085550209"]
[[trunk]]
name = "one"
host = "${TRUNK_HOST}"
port = ${trunk.port}
[agent]
listen = ["udp:${HOST}:${sip}"]
pbx = ["udp:${PBX_HOST}:${pbx.port}"]
public = "203.0.113.7:5061"
`,
  );
  const to = { host: HOST, port: sip };
  const company = Effect.fnUntraced(function* () {
    const one = start(["company", "--config", config]);
    yield* Effect.promise(() => one.said(/^ready$/m));
    return one;
  });
  const first = yield* company();
  const hangUp = yield* answeredCall({ pbx, trunk, to, name: "company" });
  yield* Effect.promise(() => first.kill("SIGKILL"));

  const second = yield* company();
  yield* hangUp(to);
  // The record has come to the server: it waits for its validation.
  const told = yield* Effect.promise(() =>
    until(async () => {
      const { code, out: text } = await vipr(["explain", CALLED, "--data", join(folder, "acme", "server"), "--json"]);
      return code === 0 && JSON.parse(text).story.waiting?.length === 1 ? text : undefined;
    }, "the call waits at the server"),
  );
  ok(told.includes(CALLED));
  same(yield* Effect.promise(() => second.kill("SIGTERM")), POLITE_END, second.err());
  for (const { err, out: said } of [first, second])
    for (const secret of [WORD, CALLED, "+14085550201"]) ok(!(err() + said()).includes(secret), secret);
  yield* Effect.promise(() => authority.kill("SIGTERM"));
});

test("company: a call through its agent is recorded at its server, over kill -9 of both", () =>
  withFolder((folder) => Effect.runPromise(Effect.scoped(Effect.provide(story(folder), nodeLayer())) as never)));
