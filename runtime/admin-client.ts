/** The operator's port asked. It needs nothing of an overlay, so that a command which only asks is there at once. */
import http from "node:http";
import { Data, Effect } from "effect";
import type { AdminAnswer } from "../actors/admin/mod.ts";
import type { Endpoint } from "../codecs/reload/mod.ts";

/** A number's publication waits for the overlay's pace and answer. */
const ANSWER_TIMEOUT_MS = 60_000;
const ANSWER_BYTES_MAX = 16 * 1_048_576;

/** Nobody there, or nothing that could be read. */
export class AdminUnreachable extends Data.TaggedError("AdminUnreachable")<{ readonly why: string }> {}

export interface AdminOrder {
  readonly path: string;
  readonly token: string;
  readonly body: unknown;
}

/** GETs a path, or POSTs an order. */
export const askAdmin = (at: Endpoint, what: string | AdminOrder): Effect.Effect<AdminAnswer, AdminUnreachable> =>
  Effect.callback((resume) => {
    const order = typeof what === "string" ? undefined : what;
    const body = order === undefined ? "" : JSON.stringify(order.body);
    const fail = (why: string) => {
      clearTimeout(timer);
      resume(Effect.fail(new AdminUnreachable({ why: `${at.host}:${at.port}: ${why}` })));
      request.destroy();
    };
    const request = http.request({
      ...at,
      method: order === undefined ? "GET" : "POST",
      path: order?.path ?? (what as string),
      headers: {
        "content-length": Buffer.byteLength(body),
        connection: "close",
        ...(order === undefined ? {} : { authorization: `Bearer ${order.token}` }),
      },
      agent: false,
    });
    const timer = setTimeout(() => fail("no answer"), ANSWER_TIMEOUT_MS);
    request.on("error", (error) => fail(error.message));
    request.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", (error) => fail(error.message));
      response.on("data", (part: string) => {
        text += part;
        if (text.length > ANSWER_BYTES_MAX) fail(`answer over ${ANSWER_BYTES_MAX} bytes`);
      });
      response.on("end", () => {
        clearTimeout(timer);
        const read = jsonOf(text);
        if (read === undefined) return fail("the answer is no JSON: this is not a node's port");
        resume(Effect.succeed({ status: response.statusCode ?? 0, body: read.value }));
      });
    });
    request.end(body);
    return Effect.sync(() => {
      clearTimeout(timer);
      request.destroy();
    });
  });

const jsonOf = (text: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
};
