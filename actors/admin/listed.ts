/**
 * What a running program lists for its operator, one entry a telephone number: POST /routes, /numbers or /calls
 * {order, number}, with the token.
 *
 *   list --> {[what]: [...], more}    show --> {[one]: ... or null}    disable, enable, forget --> {done}
 *
 * Numbers are whole: who may order may know them.
 */
import { Effect } from "effect";
import { type E164, normalizeE164 } from "../../codecs/shared/mod.ts";
import { type AdminAnswer, type AdminHandle, objectionTo, refused } from "./request.ts";
import { obeyed } from "./token.ts";

/** What there is to list, and one of it, as its answers call them; its path is `/` and the first. */
export const LISTED = { routes: "route", numbers: "number", calls: "call" } as const;
export type Listed = keyof typeof LISTED;
/** In one answer. */
export const LISTED_MAX = 10_000;

export interface ShownRoute {
  readonly number: string;
  readonly domain: string;
  readonly sipUris: ReadonlyArray<string>;
  /** ISO 8601: when its ticket ends. */
  readonly expires: string;
  /** Kept, and not used. */
  readonly disabled: boolean;
}

/** A number that a call agent publishes at a ViPR server. */
export interface ShownNumber {
  readonly number: string;
  /** 16 hexadecimal digits. */
  readonly vservice: string;
  readonly domain: string;
  /** The company, where there are several. */
  readonly tenant: string;
  /** ISO 8601: until when the overlay stores it; null: it does not. */
  readonly expires: string | null;
  /** Not published, and no ticket is granted for it. */
  readonly disabled: boolean;
}

/** Calls to one number that wait for their validation. */
export interface ShownCalls {
  readonly number: string;
  readonly tenant: string;
  readonly waiting: number;
  /** ISO 8601, of the next of them; null: none waits. */
  readonly due: string | null;
  /** None is validated. */
  readonly disabled: boolean;
}

/** Each order says whether there was anything to do it with; fails with what the disk says. */
export interface ListedOrders<Shown = unknown> {
  /** So many at most, and how many more there are. */
  readonly list: (countMax: number) => Effect.Effect<{ readonly shown: ReadonlyArray<Shown>; readonly more: number }>;
  readonly show: (number: E164) => Effect.Effect<Shown | undefined>;
  readonly disable: (number: E164) => Effect.Effect<boolean, string>;
  readonly enable: (number: E164) => Effect.Effect<boolean, string>;
  readonly forget: (number: E164) => Effect.Effect<boolean, string>;
}

export const handleListed =
  (token: string, all: Partial<Readonly<Record<Listed, ListedOrders>>>, next: AdminHandle): AdminHandle =>
  (request) => {
    const { path, body } = request;
    const what = (Object.keys(LISTED) as ReadonlyArray<Listed>).find((one) => path === `/${one}`);
    const orders = what && all[what];
    if (what === undefined || orders === undefined) return next(request);
    const objection = objectionTo(request, "POST");
    if (objection !== undefined) return Effect.succeed(objection);
    return obeyed(
      token,
      request,
      Effect.suspend(() => obey(what, orders, body)),
    );
  };

const obey = (what: Listed, orders: ListedOrders, body: string): Effect.Effect<AdminAnswer> => {
  const read = readOrder(body);
  if (typeof read === "string") return Effect.succeed(refused(400, read));
  const { order, number } = read;
  const done = (answer: unknown): AdminAnswer => ({ status: 200, body: answer });
  if (order === "list") return Effect.map(orders.list(LISTED_MAX), ({ shown, more }) => done({ [what]: shown, more }));
  if (number === undefined) return Effect.succeed(refused(400, "number: not a telephone number in E.164 form"));
  if (order === "show") return Effect.map(orders.show(number), (found) => done({ [LISTED[what]]: found ?? null }));
  return Effect.match(orders[order](number), {
    onSuccess: (isDone) => done({ done: isDone }),
    onFailure: (why) => refused(507, why),
  });
};

export const LISTED_ORDERS = ["list", "show", "disable", "enable", "forget"] as const;
type ListedOrder = (typeof LISTED_ORDERS)[number];

const readOrder = (body: string): { readonly order: ListedOrder; readonly number: E164 | undefined } | string => {
  try {
    const given = JSON.parse(body) as { readonly order?: unknown; readonly number?: unknown } | null;
    const order = LISTED_ORDERS.find((one) => one === given?.order);
    if (order === undefined) return `order: not ${LISTED_ORDERS.join(", ")}`;
    return { order, number: typeof given?.number === "string" ? normalizeE164(given.number) : undefined };
  } catch {
    return "the body is no JSON";
  }
};
