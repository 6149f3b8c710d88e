/**
 * The routes of a call agent, for its operator: POST /routes {order, number}, with the token.
 *
 *   list --> each route, its number whole: who may order may know them        show, disable, enable, forget --> of one number
 */
import { Effect } from "effect";
import { type E164, normalizeE164 } from "../../codecs/shared/mod.ts";
import { type AdminAnswer, type AdminRequest, isThisMachine, OTHER_MACHINE, refused } from "./request.ts";
import { obeyed } from "./token.ts";

export const ROUTES_PATH = "/routes";
/** In one answer. */
export const ROUTES_SHOWN_MAX = 10_000;

export interface ShownRoute {
  readonly number: string;
  readonly domain: string;
  readonly sipUris: ReadonlyArray<string>;
  /** ISO 8601: when its ticket ends. */
  readonly expires: string;
  /** Kept, and not used. */
  readonly disabled: boolean;
}

/** Each order says whether there was anything to do it with; fails with what the disk says. */
export interface RouteOrders {
  readonly all: () => ReadonlyArray<ShownRoute>;
  readonly show: (number: E164) => ShownRoute | undefined;
  readonly disable: (number: E164) => Effect.Effect<boolean, string>;
  readonly enable: (number: E164) => Effect.Effect<boolean, string>;
  readonly forget: (number: E164) => Effect.Effect<boolean, string>;
}

export const handleRoutes =
  (token: string, orders: RouteOrders, next: (request: AdminRequest) => Effect.Effect<AdminAnswer>) =>
  (request: AdminRequest): Effect.Effect<AdminAnswer> => {
    if (request.path !== ROUTES_PATH) return next(request);
    if (!isThisMachine(request.host)) return Effect.succeed(OTHER_MACHINE);
    if (request.method !== "POST")
      return Effect.succeed({ ...refused(405, `${ROUTES_PATH} takes POST`), allow: "POST" });
    return obeyed(
      token,
      request,
      Effect.suspend(() => obey(orders, request.body)),
    );
  };

const obey = (orders: RouteOrders, body: string): Effect.Effect<AdminAnswer> => {
  const read = readOrder(body);
  if (typeof read === "string") return Effect.succeed(refused(400, read));
  const { order, number } = read;
  const done = (answer: unknown): AdminAnswer => ({ status: 200, body: answer });
  if (order === "list") {
    const all = orders.all();
    return Effect.succeed(
      done({ routes: all.slice(0, ROUTES_SHOWN_MAX), more: Math.max(0, all.length - ROUTES_SHOWN_MAX) }),
    );
  }
  if (number === undefined) return Effect.succeed(refused(400, "number: not a telephone number in E.164 form"));
  if (order === "show") return Effect.succeed(done({ route: orders.show(number) ?? null }));
  return Effect.match(orders[order](number), {
    onSuccess: (isDone) => done({ done: isDone }),
    onFailure: (why) => refused(507, why),
  });
};

const ORDERS = ["list", "show", "disable", "enable", "forget"] as const;
type RouteOrder = (typeof ORDERS)[number];

const readOrder = (body: string): { readonly order: RouteOrder; readonly number: E164 | undefined } | string => {
  try {
    const given = JSON.parse(body) as { readonly order?: unknown; readonly number?: unknown } | null;
    const order = ORDERS.find((one) => one === given?.order);
    if (order === undefined) return `order: not ${ORDERS.join(", ")}`;
    return { order, number: typeof given?.number === "string" ? normalizeE164(given.number) : undefined };
  } catch {
    return "the body is no JSON";
  }
};
