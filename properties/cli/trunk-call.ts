/** A call of the PBX over a trunk through a program under test: answered, and hung up when the test wants it. */
import { deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import type { openPhone } from "../proxy/phone.ts";
import { answer, invite, within } from "../proxy/world.ts";

type Phone = Effect.Success<ReturnType<typeof openPhone>>;

interface Call {
  readonly pbx: Phone;
  readonly trunk: Phone;
  /** Where the program is now: it may be another one for the BYE. */
  readonly to: { readonly host: string; readonly port: number };
  readonly name: string;
}

/** Up, ACK and all. Gives what hangs it up, at wherever the program is then. */
export const answeredCall = Effect.fn("test.trunkCall")(function* ({ pbx, trunk, to, name }: Call) {
  const out = invite({ via: `${pbx.via};branch=z9hG4bK-${name}`, callId: `${name}-1`, contact: pbx.contact });
  yield* pbx.send(out, to);
  const heard = yield* trunk.request;
  yield* trunk.send(answer(heard, 200, { contact: trunk.contact }), to);
  const accepted = yield* pbx.response;
  same(accepted.status, 200);
  yield* pbx.send(within("ACK", out, accepted, { via: pbx.via }), to);
  same((yield* trunk.request).method, "ACK");
  return (at: Call["to"]) =>
    Effect.gen(function* () {
      yield* pbx.send(within("BYE", out, accepted, { via: pbx.via }), at);
      const bye = yield* trunk.request;
      same(bye.method, "BYE");
      yield* trunk.send(answer(bye, 200), at);
      same((yield* pbx.response).status, 200);
    });
});
