/** Orders to an admin port: only of who has its token, answered with a seal that proves the program has it too. */
import { Effect } from "effect";
import { answerSeal, equalSecrets, nonceOf, orderSeal, utf8 } from "../../codecs/shared/mod.ts";
import { type AdminAnswer, type AdminRequest, refused } from "./request.ts";

/** The token itself, as `curl` sends it, or the seal of this order that only its owner can make. */
export const isFromToken = ({ authorization, path, body }: AdminRequest, token: string): boolean => {
  const nonce = nonceOf(authorization);
  const wanted = nonce === undefined ? `Bearer ${token}` : orderSeal(token, nonce, path, body);
  return equalSecrets(utf8(authorization), utf8(wanted));
};

/** Performs `obey` for who has the token, and seals its answer. */
export const obeyed = (
  token: string,
  request: AdminRequest,
  obey: Effect.Effect<AdminAnswer>,
): Effect.Effect<AdminAnswer> =>
  Effect.suspend(() => {
    if (!isFromToken(request, token)) return Effect.succeed(refused(401, "the token of this node is wanted"));
    const nonce = nonceOf(request.authorization);
    if (nonce === undefined) return obey;
    return Effect.map(obey, (answer) => ({
      ...answer,
      seal: answerSeal(token, nonce, answer.status, JSON.stringify(answer.body)),
    }));
  });
