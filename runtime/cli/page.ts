/** `vipr page`: the address of the page that a company's running programs serve, with the token for its orders. */
import { Effect } from "effect";
import { addressText } from "../../actors/admin/report.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import type { AdminTls } from "../admin.ts";
import { servePageOutside } from "../page/outside.ts";
import { pagesOf } from "../page/programs.ts";
import { CONFIG_HELP, configOptions, loadConfig } from "./config-file.ts";
import { newToken, readDoor } from "./door.ts";
import { listenStopped, type Stopped, stopped } from "./exit.ts";
import { knownFolder } from "./folder.ts";
import { command, endpointOf, required, Wrong } from "./options.ts";
import { say } from "./output.ts";
import { programsOf } from "./program-state.ts";
import { runCommand } from "./run.ts";
import { readRoots, textOf } from "./sip-credentials.ts";

/** Where --listen names none. */
const PAGE_PORT = 8_443;

const HELP = `vipr page: the page that the company's programs serve: its address, or the page for other machines

usage: vipr page [--config FILE | --data DIR]
       vipr page --listen HOST:PORT --certificate FILE --key FILE [--client-ca FILE] [--config FILE]

  The page shows calls, validations, routes, what was refused, the overlay and the health of all programs
  of the configuration, live. The address ends with the token of the program that serves it: who has it may
  see whole numbers and give orders. From another machine: ssh -L 8080:HOST:PORT, and 127.0.0.1:8080 there.

  With --listen it serves the page itself, over TLS, for other machines; the programs' own ports stay on
  loopback. It is shown to who has the token, which the printed address ends with and which is another one
  after each start; or, with --client-ca, to who has a certificate under it, and to nobody else.

${CONFIG_HELP}
  --data DIR          the directory of one program, instead of those of the configuration
  --listen HOST:PORT  where to serve it for other machines
  --certificate FILE  the certificate for it, and its chain, in PEM
  --key FILE          the key of it, in PEM
  --client-ca FILE    the roots of the certificates that browsers have to show, in PEM
  --help              this text

examples:
  vipr page --config vipr.toml
  vipr page --listen 192.0.2.10:8443 --certificate page.pem --key page.key --config vipr.toml

exit codes: 0, 2 options, files or configuration, 3 no program with an admin port runs, 5 the port is taken
`;

const OPTIONS = {
  ...configOptions,
  data: { type: "string" },
  listen: { type: "string" },
  certificate: { type: "string" },
  key: { type: "string" },
  "client-ca": { type: "string" },
} as const;

export const pageCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr page", help: HELP, options: OPTIONS }, args, async (values) => {
    const { data, listen } = values;
    const serving = (["certificate", "key", "client-ca"] as const).find((option) => values[option] !== undefined);
    if (listen === undefined && serving !== undefined) throw new Wrong(`--${serving}: it goes with --listen`);
    if (listen !== undefined && data !== undefined) throw new Wrong("--data: with --listen the page is of --config");
    const on = listen === undefined ? undefined : endpointOf(listen, "listen", PAGE_PORT);
    const program =
      on !== undefined
        ? serve(on, filesOf(values), values)
        : data === undefined
          ? printed(configured(values))
          : printed(Effect.succeed([data]));
    return await runCommand({ name: "vipr page", logLevel: "Warn" }, program);
  });

type Values = Parameters<typeof loadConfig>[0] & {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly "client-ca"?: string | undefined;
};
const configured = (values: Values) =>
  Effect.map(loadConfig(values), ({ config }) => programsOf(config).map(({ data }) => data));

const printed = Effect.fnUntraced(function* (folders: Effect.Effect<ReadonlyArray<string>, Stopped>) {
  for (const path of yield* folders) {
    const door = yield* Effect.option(Effect.flatMap(knownFolder(path), readDoor));
    if (door._tag === "Some") return say(`http://${addressText(door.value)}/#token=${door.value.token}`);
  }
  return yield* stopped("unreachable", "no program with an admin port runs here: vipr status says more");
});

interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string | undefined;
}
const filesOf = ({ certificate, key, "client-ca": ca }: Values): TlsFiles => ({
  certificate: required(certificate, "certificate", "the certificate of the page, in PEM"),
  key: required(key, "key", "the key of the certificate, in PEM"),
  ca,
});

/** Until it is ended. */
const serve = Effect.fnUntraced(function* (on: Endpoint, files: TlsFiles, values: Values) {
  const { config } = yield* loadConfig(values);
  const { certificate, key, ca } = files;
  for (const [file, option] of [
    [certificate, "--certificate"],
    ...(ca === undefined ? [] : [[ca, "--client-ca"] as const]),
  ] as const)
    yield* readRoots(file, option); // not every runtime looks at them before a client comes
  const tls: AdminTls = {
    cert: yield* textOf(certificate, "--certificate"),
    key: yield* textOf(key, "--key"),
    ...(ca === undefined ? {} : { ca: yield* textOf(ca, "--client-ca") }),
  };
  const token = newToken();
  const programs = pagesOf(config);
  const at = yield* servePageOutside({ on, tls, token }, programs).pipe(
    Effect.catchTag("ListenFailed", (failed) => Effect.fail(listenStopped(failed, "--listen takes another"))),
    Effect.catchDefect((why) =>
      Effect.fail(stopped("usage", `--certificate, --key, --client-ca: ${(why as Error).message}`)),
    ),
  );
  const open = ca === undefined ? `#token=${token}` : "";
  say(`page     https://${addressText(at)}/${open}`);
  say(
    `of       ${programs.map(({ name }) => name).join(", ")}${ca === undefined ? "" : `; for certificates under ${ca}`}`,
  );
  return yield* Effect.never;
});
