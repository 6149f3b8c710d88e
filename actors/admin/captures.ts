/**
 * What `vipr capture` asks of an admin port: the program's own messages as they come and go, cleared of secrets, a line of JSON
 * each, until who asked has gone.
 *
 *   POST /capture.ndjson {protocols?, numbers?}    callers that can read the token's file
 */
import { Effect } from "effect";
import { CAPTURES_MAX, type Captures, type CaptureWish } from "../capture/mod.ts";
import { type AdminAnswer, type AdminHandle, type Live, objectIn, objectionTo, refused } from "./request.ts";
import { obeyed } from "./token.ts";

/** Not among the page's orders, which are words: it does not end. */
export const CAPTURE_PATH = "/capture.ndjson";
/** What may be asked for; all of it by default. */
export const CAPTURE_PROTOCOLS = ["vap", "pvp", "sip", "reload"] as const;

/** Answers that path, and passes everything else on. */
export const handleCaptures =
  (captures: Captures, token: string, next: AdminHandle): AdminHandle =>
  (request) =>
    Effect.suspend(() => {
      if (request.path !== CAPTURE_PATH) return next(request);
      const objection = objectionTo(request, "POST");
      if (objection !== undefined) return Effect.succeed(objection);
      return obeyed(
        token,
        request,
        Effect.sync(() => answerOf(captures, request.body)),
      );
    });

/** The seal covers the begin alone: `null`. */
const answerOf = (captures: Captures, body: string): AdminAnswer => {
  const wish = wishIn(body);
  if (typeof wish === "string") return refused(400, wish);
  if (captures.isFull) return refused(409, `${CAPTURES_MAX} captures run here already`);
  return { status: 200, body: null, contentType: "application/x-ndjson", live: liveOf(captures, wish) };
};

const liveOf =
  (captures: Captures, wish: CaptureWish): Live =>
  (write) =>
    Effect.scoped(
      Effect.flatMap(captures.open(wish), (seen) =>
        Effect.forever(
          Effect.flatMap(seen, (lines) =>
            lines.length === 0 ? Effect.yieldNow : write(lines.map((line) => `${JSON.stringify(line)}\n`).join("")),
          ),
        ),
      ),
    );

/** The wish, or what is wrong with it. */
const wishIn = (body: string): CaptureWish | string => {
  const given = objectIn(body);
  if (typeof given === "string") return given;
  const { protocols = CAPTURE_PROTOCOLS, numbers = "masked" } = given;
  if (numbers !== "masked" && numbers !== "whole") return "numbers: masked or whole";
  const isKnown = (one: unknown): one is (typeof CAPTURE_PROTOCOLS)[number] => CAPTURE_PROTOCOLS.includes(one as never);
  if (!Array.isArray(protocols) || !protocols.every(isKnown)) return `protocols: of ${CAPTURE_PROTOCOLS.join(", ")}`;
  return { protocols, wholeNumbers: numbers === "whole" };
};
