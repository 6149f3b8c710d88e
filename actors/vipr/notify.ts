/**
 * Tells the call agents what a validation has found.
 *
 *   validated --> kept (actors/vap/kept-routes.ts) --> welcome? --> Notify to each agent of the VService
 *                                                         +-- unwelcome: kept no longer
 */
import { Effect } from "effect";
import { maskE164, type VServiceId } from "../../codecs/shared/mod.ts";
import { type ValInfo, writeValInfo } from "../../codecs/vap/mod.ts";
import type { KeptRoutes, VapServer } from "../vap/mod.ts";
import type { ViprWatch } from "./events.ts";
import type { Services } from "./services.ts";

/** A route that a validation has found, for the call agents of the VService that made the call. */
export interface ValidatedRoute {
  readonly vservice: VServiceId;
  readonly info: ValInfo;
}

interface Notifying {
  readonly services: Pick<Services, "leadsTo">;
  readonly vap: Pick<VapServer, "notify">;
  readonly routes: KeptRoutes;
  readonly watch: ViprWatch;
}
/** Sends it to the agents, unless the VService's list of domains does not want it. A fault is logged and costs that route. */
export const notifyAgents = ({ services, vap, routes, watch }: Notifying) =>
  Effect.fnUntraced(
    function* ({ vservice, info }: ValidatedRoute) {
      const { domain, isWelcome } = services.leadsTo(vservice, info);
      if (!isWelcome) {
        yield* routes.taken(vservice, info.number, writeValInfo(info));
        yield* Effect.logInfo("vipr.unwelcome", maskE164(info.number), domain || "no domain");
        return yield* watch({ type: "unwelcome", number: info.number, domain }, vservice);
      }
      const told = yield* vap.notify(vservice, info);
      yield* watch({ type: "learned", number: info.number, domain, told }, vservice);
    },
    Effect.catchCause((cause) => Effect.logError("vipr.notify.died", cause)),
  );
