/** The page for other machines: over TLS, of the programs whose directories this process can read. DECISIONS.md D-316. */
import { Effect, type Scope } from "effect";
import { fromOutside, refused, withPage } from "../../actors/admin/mod.ts";
import type { ListenFailed } from "../../actors/ports/mod.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { type AdminTls, serveAdmin } from "../admin.ts";
import type { PageProgram } from "./programs.ts";
import { openPage } from "./serve.ts";

export interface OutsidePage {
  readonly on: Endpoint;
  /** With `ca`: who shows a certificate under it needs no token, and nobody else is answered. */
  readonly tls: AdminTls;
  readonly token: string;
}

/** Serves until the scope closes. Fails with ListenFailed. */
export const servePageOutside = (
  { on, tls, token }: OutsidePage,
  programs: ReadonlyArray<PageProgram>,
): Effect.Effect<Endpoint, ListenFailed, Scope.Scope> =>
  Effect.flatMap(openPage(programs), (page) =>
    serveAdmin(on, fromOutside(token, tls.ca !== undefined, withPage(page, token, NOTHING_ELSE)), tls),
  );

const NOTHING_ELSE = () => Effect.succeed(refused(404, "nothing here"));
