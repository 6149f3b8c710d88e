/** The operator's port asked. It needs nothing of an overlay, so that a command which only asks is there at once. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Data, Effect } from "effect";
import type { AdminAnswer } from "../actors/admin/mod.ts";
import type { Endpoint } from "../codecs/reload/mod.ts";
import { answerSeal, equalSecrets, orderSeal, utf8 } from "../codecs/shared/mod.ts";
import { http } from "./http-module.ts";

/** A number's publication waits for the overlay's pace and answer. */
const ANSWER_TIMEOUT_MS = 60_000;
const ANSWER_BYTES_MAX = 16 * 1_048_576;

/** Nobody there, or nothing that could be read. */
export class AdminUnreachable extends Data.TaggedError("AdminUnreachable")<{ readonly why: string }> {}

export interface AdminOrder {
  readonly path: string;
  /** Does not leave this process. */
  readonly token: string;
  readonly body: unknown;
}

export interface Asked extends Pick<AdminAnswer, "status" | "body"> {
  /** Whether it is the answer to our order of somebody who has its token. */
  readonly isSealed: boolean;
}

const NONCE_BYTES = 16;

/** GETs a path, or POSTs an order. */
export const askAdmin = (at: Endpoint, what: string | AdminOrder): Effect.Effect<Asked, AdminUnreachable> =>
  exchange(at, what, ({ response, order, nonce, answered, done, fail }) => {
    let text = "";
    response.on("error", (error) => fail(error.message));
    response.on("data", (part: string) => {
      text += part;
      if (text.length > ANSWER_BYTES_MAX) fail(`answer over ${ANSWER_BYTES_MAX} bytes`);
    });
    response.on("end", () => {
      answered();
      const read = jsonOf(text);
      if (read === undefined) return fail("the answer is no JSON: this is not a node's port");
      const { statusCode: status = 0 } = response;
      const isSealed = order !== undefined && hasSeal(response, order.token, nonce, text.replace(/\n$/, ""));
      done({ status, body: read.value, isSealed });
    });
  });

interface Exchange<A> {
  /** Read as UTF-8. */
  readonly response: IncomingMessage;
  readonly order: AdminOrder | undefined;
  readonly nonce: string;
  /** No longer waited for: the answer is there, or goes on for as long as it likes. */
  readonly answered: () => void;
  readonly done: (result: A) => void;
  readonly fail: (why: string) => void;
}

/** Sends a request, and has its answer read by `heard`; what goes wrong, or takes too long, names the port. */
const exchange = <A>(
  at: Endpoint,
  what: string | AdminOrder,
  heard: (of: Exchange<A>) => void,
): Effect.Effect<A, AdminUnreachable> =>
  Effect.callback((resume) => {
    const { request, order, nonce, body } = requestTo(at, what);
    const answered = () => clearTimeout(timer);
    const done = (result: A) => resume(Effect.succeed(result));
    const fail = (why: string) => {
      answered();
      resume(Effect.fail(new AdminUnreachable({ why: `${at.host}:${at.port}: ${why}` })));
      request.destroy();
    };
    const timer = setTimeout(() => fail("no answer"), ANSWER_TIMEOUT_MS);
    request.on("error", (error) => fail(error.message));
    request.once("response", (response) => {
      response.setEncoding("utf8");
      heard({ response, order, nonce, answered, done, fail });
    });
    request.end(body);
    return Effect.sync(() => {
      answered();
      request.destroy();
    });
  });

/** GETs a path, or POSTs an order under its seal; the body is not sent yet. */
const requestTo = (at: Endpoint, what: string | AdminOrder) => {
  const order = typeof what === "string" ? undefined : what;
  const body = order === undefined ? "" : JSON.stringify(order.body);
  const nonce = randomBytes(NONCE_BYTES).toString("hex");
  const request = http.request({
    ...at,
    method: order === undefined ? "GET" : "POST",
    path: order?.path ?? (what as string),
    headers: {
      "content-length": Buffer.byteLength(body),
      connection: "close",
      ...(order === undefined ? {} : { authorization: orderSeal(order.token, nonce, order.path, body) }),
    },
    agent: false,
  });
  return { request, order, nonce, body };
};

/** Whether it is the answer of somebody who has the token of our order. */
const hasSeal = ({ statusCode = 0, headers }: IncomingMessage, token: string, nonce: string, text: string): boolean =>
  equalSecrets(utf8(String(headers["vipr-seal"])), utf8(answerSeal(token, nonce, statusCode, text)));

/** Of one line of an answer that goes on. */
const LINE_CHARS_MAX = 1_048_576;

/**
 * An order whose answer is a line of JSON after the other, until the program ends or this is interrupted: `take` is called with
 * each. `begun` is called once the program has proved that it has the token.
 */
export const followAdmin = (
  at: Endpoint,
  order: AdminOrder,
  { begun, take }: { readonly begun: () => void; readonly take: (line: unknown) => void },
): Effect.Effect<void, AdminUnreachable> =>
  exchange(at, order, ({ response, nonce, answered, done, fail }) => {
    answered();
    const isGood = response.statusCode === 200;
    if (isGood && !hasSeal(response, order.token, nonce, "null")) return fail("another program answers there");
    if (isGood) begun();
    let text = "";
    response.on("error", () => {}); // its end says it
    response.on("data", (part: string) => {
      const lines = (text + part).split("\n");
      text = lines.pop()!;
      if (text.length > LINE_CHARS_MAX) return fail(`a line of over ${LINE_CHARS_MAX} characters`);
      if (isGood) for (const line of lines) take(jsonOf(line)?.value);
      else text = lines.join("\n") || text;
    });
    response.on("close", () => {
      if (isGood) return done(undefined);
      const { error } = (jsonOf(text)?.value ?? {}) as { readonly error?: string };
      fail(error ?? `answers with ${response.statusCode}`);
    });
  });

const jsonOf = (text: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
};
