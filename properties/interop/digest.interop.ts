/**
 * Our answers to challenges, checked by Kamailio: MD5 and SHA-256, a request again with another number of its nonce, and a
 * password that is wrong. RFC 3261 §22, RFC 8760.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect } from "effect";
import { authorizationOf, challengeIn } from "../../codecs/sip/mod.ts";
import { openPhone } from "../proxy/phone.ts";
import { invite } from "../proxy/world.ts";
import { bound } from "./bound.ts";
import { checkOf } from "./check.ts";
import { ended, freePort, HOST, peer } from "./peers.ts";
import type { InteropCheck } from "./run.ts";

const check = checkOf("digest");

/** Answers 200 to whoever knows the password, and 407 to all others. */
const trunk = Effect.fn("interop.trunk")(function* (algorithm: string, port: number) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "vipr-digest-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
  );
  const file = join(folder, "kamailio.cfg");
  writeFileSync(
    file,
    `#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
listen=udp:${HOST}:${port}
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "auth.so"
modparam("auth", "qop", "auth")
modparam("auth", "nonce_count", 1)
modparam("auth", "algorithm", "${algorithm}")
request_route {
  if (is_method("ACK")) { exit; }
  if (!pv_proxy_authenticate("carrier.example", "correct horse", "0")) {
    proxy_challenge("carrier.example", "1");
    exit;
  }
  sl_send_reply("200", "OK");
}
`,
  );
  const words = ["-f", file, "-m", "64", "-M", "16", "-DD", "-E", "-Y", folder];
  const { child, said } = yield* peer("kamailio", words);
  // Killed outright it would leave its own processes behind.
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.sync(() => child.kill("SIGTERM")),
      ended(child),
    ),
  );
  yield* bound(port, "UDP", said);
});

const answers = (algorithm: "MD5" | "SHA-256"): InteropCheck =>
  check(
    `Kamailio takes our answer by ${algorithm}, and no wrong password`,
    ["kamailio"],
    Effect.gen(function* () {
      const port = yield* freePort;
      yield* trunk(algorithm, port);
      const phone = yield* openPhone(HOST);
      const to = { host: HOST, port };
      const uri = `sip:+49305550901@${HOST}:${port}`;
      let sent = 0;
      const asked = (lines: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const via = `${phone.via};branch=z9hG4bK-${algorithm}-${++sent}`;
          yield* phone.send(invite({ uri, via, callId: `digest-${sent}`, contact: phone.contact, lines }), to);
          return yield* phone.response;
        });
      const refused = yield* asked([]);
      same(refused.status, 407);
      const challenge = challengeIn(refused);
      ok(challenge !== undefined);
      same([challenge.algorithm, challenge.realm, challenge.hasQop], [algorithm, "carrier.example", true]);
      const answered = (password: string, count: number) => {
        const given = { cnonce: `c${count}`, count };
        const { name, value } = authorizationOf(
          challenge,
          { user: "acme", password },
          { method: "INVITE", uri },
          given,
        );
        return Effect.map(asked([`${name}: ${value}`]), ({ status }) => status);
      };
      same(yield* answered("correct horse", 1), 200);
      same(yield* answered("correct horse", 2), 200);
      same(yield* answered("wrong horse", 3), 407);
    }),
  );

export const checks: ReadonlyArray<InteropCheck> = [answers("MD5"), answers("SHA-256")];
