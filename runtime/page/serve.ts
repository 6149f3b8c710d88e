/** The page of a program's admin port, over the programs that it shows. */
import { Effect, type Scope } from "effect";
import type { Page } from "../../actors/admin/mod.ts";
import { pageAssets } from "./assets.ts";
import { openLive } from "./live.ts";
import { ladderOf, orderOf, type PageProgram } from "./programs.ts";

export const openPage = (programs: ReadonlyArray<PageProgram>): Effect.Effect<Page, never, Scope.Scope> =>
  Effect.map(openLive(programs), (live) => ({
    asset: pageAssets(),
    live,
    ladder: (name, id) => {
      const program = programs.find((one) => one.name === name);
      return program === undefined ? Effect.undefined : ladderOf(program, id);
    },
    order: (name, path, body) => {
      const program = programs.find((one) => one.name === name);
      return program === undefined ? Effect.undefined : orderOf(program, path, body);
    },
  }));
