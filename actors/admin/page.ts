/**
 * The page of an admin port: what a company's programs do, live.
 *
 *   GET  /, /page/NAME             the page and its modules, the same for everybody
 *   GET  /live                     text/event-stream: what the programs say, again whenever it changes
 *   GET  /programs/NAME/ladders/ID one of its calls, message by message
 *   POST /programs/NAME/ORDER      an order to one of these programs; with the token of the program that serves the page
 *
 * The page loads nothing from elsewhere and is shown in no frame; what it is told is what anyone on this machine may read
 * (./handle.ts), numbers masked. Who has the token may see whole numbers and give orders.
 */
import { Effect } from "effect";
import { type AdminAnswer, type AdminHandle, type Live, objectionTo, refused } from "./request.ts";
import { obeyed } from "./token.ts";

export interface PageAsset {
  readonly contentType: string;
  readonly text: string;
}

export interface Page {
  /** `index.html`, `main.js`. */
  readonly asset: (name: string) => PageAsset | undefined;
  readonly live: Live;
  /** Undefined where there is no such program. */
  readonly ladder: (program: string, id: string) => Effect.Effect<AdminAnswer | undefined>;
  /** `program` and `path` are as they stand in the request: undefined where there is no such program. */
  readonly order: (program: string, path: string, body: string) => Effect.Effect<AdminAnswer | undefined>;
}

/** Only what this port itself serves. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
const HEADERS = { "content-security-policy": POLICY, "referrer-policy": "no-referrer" } as const;

const PAGE = "/page/";
const LIVE = "/live";
const PROGRAMS = "/programs/";
const LADDER = /^\/programs\/([^/]+)\/ladders\/([0-9a-f]{16})$/;
const NO_PROGRAM = refused(404, "the page knows no such program");

export const withPage =
  (page: Page, token: string, next: AdminHandle): AdminHandle =>
  (request) =>
    Effect.suspend(() => {
      const { path } = request;
      const [, program, id] = LADDER.exec(path) ?? [];
      const isRead = path === "/" || path === LIVE || path.startsWith(PAGE) || id !== undefined;
      const wanted = isRead ? "GET" : path.startsWith(PROGRAMS) && "POST";
      if (wanted === false) return next(request);
      const objection = objectionTo(request, wanted);
      if (objection !== undefined) return Effect.succeed(objection);
      if (path === LIVE)
        return Effect.succeed({ status: 200, body: "", contentType: "text/event-stream", live: page.live });
      if (program !== undefined && id !== undefined)
        return Effect.map(page.ladder(program, id), (answer) => answer ?? NO_PROGRAM);
      if (wanted === "POST") return obeyed(token, request, ordered(page, path, request.body));
      return Effect.succeed(assetAt(page, path === "/" ? "index.html" : path.slice(PAGE.length)));
    });

const assetAt = (page: Page, name: string): AdminAnswer => {
  const asset = page.asset(name);
  if (asset === undefined) return refused(404, "nothing here");
  return { status: 200, body: asset.text, contentType: asset.contentType, headers: HEADERS };
};

const ordered = (page: Page, path: string, body: string): Effect.Effect<AdminAnswer> => {
  const [, program = "", order = ""] = /^\/programs\/([^/]+)(\/[a-z]+)$/.exec(path) ?? [];
  return Effect.map(page.order(program, order, body), (answer) => answer ?? NO_PROGRAM);
};
