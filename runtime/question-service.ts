/**
 * Questions by GET on loopback, with a token, that are answered from memory: the way of a call (route-service.ts), the check of
 * a ticket (ticket-service.ts). DECISIONS.md D-111.
 *
 *   GET PATH?name=value&...    Authorization: Bearer TOKEN    --> method, path, token, query --> `answer`
 *
 * Nothing of a request becomes a fiber: a function answers it, within the turn that read it.
 */

import { Effect } from "effect";
import type { Endpoint } from "../codecs/reload/mod.ts";
import { equalSecrets, utf8 } from "../codecs/shared/mod.ts";
import { http } from "./http-module.ts";
import { listenHttp } from "./loopback-http.ts";

const HEADER_BYTES_MAX = 8_192;
const REQUEST_TIMEOUT_MS = 5_000;
/** Longer than exchanges pause between calls at night would keep sockets for nothing. */
const KEEP_ALIVE_MS = 60_000;
/** Of a name that is quoted in an error. */
const NAME_CHARS_MAX = 20;

export interface Answer {
  readonly status: number;
  readonly type: "application/json" | "text/plain";
  readonly body: string;
}
/** Values by name, as often as they came. */
export type Query = ReadonlyMap<string, ReadonlyArray<string>>;

export interface QuestionService {
  readonly path: string;
  readonly token: string;
  readonly connectionsMax: number;
  readonly urlCharsMax: number;
  /** How often each name may come. Others are left aside: a later version may ask for more. */
  readonly names: Readonly<Record<string, number>>;
  readonly answer: (query: Query) => Answer;
}

export const json = (body: unknown, status = 200): Answer => ({
  status,
  type: "application/json",
  body: `${JSON.stringify(body)}\n`,
});
export const text = (body: string, status = 200): Answer => ({ status, type: "text/plain", body });
export const refused = (status: number, error: string): Answer => json({ error }, status);

/** Serves until the scope closes; port 0 takes a free one. */
export const serveQuestions = Effect.fn("questions.serve")(function* (on: Endpoint, service: QuestionService) {
  const answerTo = answering(service);
  const server = http.createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      request.on("error", () => {}); // a client that goes away is its own affair
      response.on("error", () => {});
      request.resume(); // a body is not looked at
      const { method = "", url = "", headers } = request;
      const { status, type, body } = answerTo(method, url, headers.authorization ?? "");
      response.writeHead(status, {
        "content-type": type,
        "content-length": Buffer.byteLength(body),
        "cache-control": "no-store",
        ...(status === 405 ? { allow: "GET" } : {}),
        ...(status === 401 ? { "www-authenticate": 'Bearer realm="vipr"' } : {}),
      });
      response.end(body);
    },
  );
  return yield* listenHttp(server, on, service.connectionsMax);
});

const answering = ({ path, token, urlCharsMax, names, answer }: QuestionService) => {
  const bearer = utf8(`Bearer ${token}`);
  return (method: string, url: string, authorization: string): Answer => {
    if (url.length > urlCharsMax) return refused(414, `a request of more than ${urlCharsMax} characters`);
    const mark = url.indexOf("?");
    if ((mark < 0 ? url : url.slice(0, mark)) !== path) return refused(404, `nothing here but ${path}`);
    if (method !== "GET") return refused(405, `${path} takes GET`);
    if (!equalSecrets(utf8(authorization), bearer)) return refused(401, "Authorization: Bearer TOKEN is wanted");
    const query = queryOf(mark < 0 ? "" : url.slice(mark + 1), names);
    return typeof query === "string" ? refused(400, query) : answer(query);
  };
};

/** A script writes `called=+49...` as it stands, so that a plus is a plus here and no blank. Or what is wrong. */
const queryOf = (text: string, names: QuestionService["names"]): Query | string => {
  const query = new Map<string, Array<string>>();
  for (const part of text === "" ? [] : text.split("&")) {
    const at = part.indexOf("=");
    const name = at < 0 ? part : part.slice(0, at);
    const most = Object.hasOwn(names, name) ? names[name]! : 0;
    if (most === 0) continue;
    const known = query.get(name) ?? [];
    if (known.length >= most) return most === 1 ? `${name}: twice` : `${name}: more than ${most} times`;
    const value = at < 0 ? "" : part.slice(at + 1);
    try {
      known.push(value.includes("%") ? decodeURIComponent(value) : value);
    } catch {
      return `${name.slice(0, NAME_CHARS_MAX)}: not percent-encoded UTF-8`;
    }
    query.set(name, known);
  }
  return query;
};
