/**
 * The page for other machines, over TLS: by the rules of a port on loopback, but that whoever asks has proved something first.
 *
 *   client certificate --> the handshake has proved it: everything            (mutual TLS)
 *   token in Authorization --> everything     nothing --> the page's own files alone, which are the same for everybody
 *
 * A name that resolves to somebody else's address ("DNS rebinding") ends here as it does on loopback: a page of that name has
 * no token, and its browser takes no certificate of ours for it. DECISIONS.md D-316.
 */
import { Effect } from "effect";
import { type AdminHandle, refused } from "./request.ts";
import { isFromToken } from "./token.ts";

/** As `next` judges requests of this machine. */
const HERE = "127.0.0.1";

export const fromOutside =
  (token: string, isProved: boolean, next: AdminHandle): AdminHandle =>
  (request) =>
    Effect.suspend(() => {
      const isFile = request.method === "GET" && (request.path === "/" || request.path.startsWith("/page/"));
      if (!isProved && !isFile && !isFromToken(request, token))
        return Effect.succeed(refused(401, "the token of this page is wanted"));
      return next({
        ...request,
        host: HERE,
        authorization: isProved ? `Bearer ${token}` : request.authorization,
      });
    });
