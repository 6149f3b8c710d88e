/** The ticket that the bench's calls show: for one number, granted to acme.example. */
import { Effect } from "effect";
import { openTicketIssuer } from "../../../actors/ticket/mod.ts";
import { e164, vserviceId } from "../../../codecs/shared/mod.ts";
import { nodeLayer } from "../../../runtime/node.ts";

export const mintedFor = (password: string): Promise<string> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const issuer = yield* openTicketIssuer({
        grantingNode: 7n as never,
        grantingDomain: "bravo.example",
        secret: { epoch: 1, password },
      });
      return yield* issuer.issue({ number: e164("+49305550001"), grantedTo: "acme.example", vservice: vserviceId(1n) });
    }).pipe(Effect.provide(nodeLayer())),
  );
