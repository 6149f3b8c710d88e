/** The page for other machines: nothing but its own files without the token, everything with it; by client certificate the same. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdirSync, writeFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { Effect } from "effect";
import { makeHappenings, withHappenings, withHealth } from "../../actors/admin/mod.ts";
import type { Credentials } from "../../actors/ports/mod.ts";
import { pemCertificate } from "../../runtime/certificates.ts";
import { newToken } from "../../runtime/cli/door.ts";
import { openFolder } from "../../runtime/cli/folder.ts";
import { openDoor } from "../../runtime/cli/open-door.ts";
import { pemOf } from "../../runtime/keys.ts";
import { METRICS_TYPE } from "../../runtime/metrics/text.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { servePageOutside } from "../../runtime/page/outside.ts";
import type { PageProgram } from "../../runtime/page/programs.ts";
import { writeAgentConfig } from "../cli/agent-config.ts";
import { POLITE_END, start, vipr, withFolder } from "../cli/processes.ts";
import { test } from "../kit/harness.ts";
import { authorityOf } from "../sip/domains.ts";

const HOST = "127.0.0.1";
const FREE = { host: HOST, port: 0 };

interface Asking {
  readonly method?: string;
  readonly token?: string;
  /** What the browser would say: another name that leads here. */
  readonly host?: string;
  readonly client?: Credentials;
  readonly body?: string;
}
interface Served {
  readonly port: number;
  readonly token: string;
  readonly roots: string;
  readonly client: Credentials;
}

const certificatesOf = ({ certificates }: Pick<Credentials, "certificates">) =>
  certificates.map(pemCertificate).join("");

/** The status and the beginning of the body; 0 where the handshake fails. */
const ask = (
  { port, roots }: Served,
  path: string,
  asking: Asking = {},
): Promise<readonly [status: number, text: string]> =>
  new Promise((resolve) => {
    const { method = "GET", token, host = "page.example", client, body = "" } = asking;
    const request = https.request(
      {
        host: HOST,
        port,
        path,
        method,
        ca: roots,
        servername: "page.example",
        agent: false,
        headers: { host, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        ...(client === undefined ? {} : { cert: certificatesOf(client), key: pemOf(client.key) }),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
          if (response.headers["content-type"] === "text/event-stream" && text.includes("\n\n")) response.destroy();
        });
        response.on("error", () => {});
        response.on("close", () => resolve([response.statusCode ?? 0, text]));
      },
    );
    request.on("error", () => resolve([0, ""]));
    request.end(body);
  });

/** A server's admin port on loopback, and the page of it over TLS. */
const withPage = (hasClientCa: boolean, use: (served: Served) => Promise<void>): Promise<void> =>
  withFolder((root) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const issue = yield* authorityOf;
          const [own, client] = [yield* issue("page.example"), yield* issue("operator.example")];
          const programs: ReadonlyArray<PageProgram> = [{ name: "server", program: "server", data: `${root}/server` }];
          const health = { unready: Effect.succeed([]), metrics: Effect.succeed(""), metricsType: METRICS_TYPE };
          const answer = withHealth(
            health,
            withHappenings(makeHappenings(), ({ path }) => Effect.succeed({ status: 200, body: { asked: path } })),
          );
          yield* openDoor(yield* openFolder(`${root}/server`), FREE, newToken(), answer, programs);
          const roots = own.roots.map(pemCertificate).join("");
          const tls = { cert: certificatesOf(own), key: pemOf(own.key), ...(hasClientCa ? { ca: roots } : {}) };
          const token = newToken();
          const { port } = yield* servePageOutside({ on: FREE, tls, token }, programs);
          yield* Effect.promise(() => use({ port, token, roots, client }));
        }),
      ).pipe(Effect.provide(nodeLayer())) as Effect.Effect<void>,
    ),
  );

test("page outside: without the token its own files alone, whatever name it is called by; with it what is told", () =>
  withPage(false, async (served) => {
    const { token } = served;
    same((await ask(served, "/"))[0], 200);
    same((await ask(served, "/page/main.js"))[0], 200);
    for (const [path, method] of [
      ["/live", "GET"],
      ["/programs/server/explain", "POST"],
      ["/programs/server/ladders/0123456789abcdef", "GET"],
      ["/", "POST"],
    ] as const) {
      same([path, (await ask(served, path, { method }))[0]], [path, 401]);
      same([path, (await ask(served, path, { method, token: newToken() }))[0]], [path, 401]);
      same([path, (await ask(served, path, { method, host: "127.0.0.1" }))[0]], [path, 401]);
    }
    const [status, text] = await ask(served, "/live", { token });
    same(status, 200);
    ok(text.startsWith('event: part\ndata: {"part":"programs"'), text);
    const ladder = "/ladders/0123456789abcdef";
    same(await ask(served, `/programs/server${ladder}`, { token }), [200, `${JSON.stringify({ asked: ladder })}\n`]);
    same((await ask(served, "/programs/nobody/explain", { method: "POST", token, body: "{}" }))[0], 404);
    // Only the page: what an admin port answers beside it is asked for on loopback.
    for (const path of ["/ring.json", "/metrics", "/healthz"])
      same([path, (await ask(served, path, { token }))[0]], [path, 404]);
  }));

test("page outside: with a client CA whoever has no certificate under it gets no handshake, and others need no token", () =>
  withPage(true, async (served) => {
    const { client } = served;
    same(await ask(served, "/"), [0, ""]);
    same(await ask(served, "/live", { token: served.token }), [0, ""]);
    same((await ask(served, "/", { client }))[0], 200);
    const [status, text] = await ask(served, "/live", { client });
    same(status, 200);
    ok(text.includes('"part":"programs"'), text);
    same((await ask(served, "/programs/nobody/explain", { method: "POST", client, body: "{}" }))[0], 404);
  }));

test("vipr page --listen: serves until it is ended, and says which file is wrong", () =>
  withFolder(async (folder) => {
    mkdirSync(join(folder, "data"), { mode: 0o700 });
    const config = writeAgentConfig(folder, { server: 9, agent: 0, pbx: 5_060, trunk: 5_060 });
    const own = await Effect.runPromise(
      Effect.flatMap(authorityOf, (issue) => issue("page.example")).pipe(
        Effect.scoped,
        Effect.provide(nodeLayer()),
      ) as Effect.Effect<Credentials>,
    );
    const [certificate, key] = [join(folder, "page.pem"), join(folder, "page.key")];
    writeFileSync(certificate, certificatesOf(own));
    writeFileSync(key, pemOf(own.key), { mode: 0o600 });
    const listen = ["page", "--listen", `${HOST}:0`, "--config", config];
    for (const [args, why] of [
      [["page", "--key", key], /--key: it goes with --listen/],
      [listen, /--certificate is missing/],
      [[...listen, "--certificate", join(folder, "none.pem"), "--key", key], /--certificate: there is no file/],
      [[...listen, "--certificate", config, "--key", key], /--certificate: .* has no certificate in it/],
    ] as const) {
      const { code, err } = await vipr(args);
      same([code, why.test(err)], [2, true], err);
    }
    const page = start([...listen, "--certificate", certificate, "--key", key]);
    const [, port, token] = (await page.said(/https:\/\/127\.0\.0\.1:(\d+)\/#token=(\S+)/)) as unknown as [
      string,
      string,
      string,
    ];
    const served = { port: Number(port), token, roots: own.roots.map(pemCertificate).join(""), client: own };
    same((await ask(served, "/live"))[0], 401);
    ok((await ask(served, "/live", { token }))[1].includes('"name":"agent"'));
    same(await page.kill("SIGTERM"), POLITE_END);
  }));
