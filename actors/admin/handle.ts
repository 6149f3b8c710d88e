/**
 * The admin port of a node: a report of its state, and with a token, orders to publish, withdraw and find numbers.
 *
 *   GET  /ring.json                             anyone on this machine
 *   POST /publish, /withdraw, /find  {number}   callers that can read the token's file
 *   POST /explain                    {number}   the same; of a ViPR server: its audit log has numbers unmasked
 *
 * A page in a browser can be made to connect to a name that resolves to 127.0.0.1 ("DNS rebinding"), and then sends that name
 * as Host: so only this machine's own names are served. Such a page cannot know the token.
 */
import { Clock, Effect } from "effect";
import { bigOf, bytesOfHex, type E164, normalizeE164, type VServiceId, vserviceId } from "../../codecs/shared/mod.ts";
import { isTenantName } from "../../codecs/vipr/mod.ts";
import {
  claimsOf,
  NUMBER_LIFETIME_S,
  type OverlayError,
  type OverlayNode,
  publishNumber,
  withdrawNumber,
} from "../reload/mod.ts";
import { type ReportedTimes, reportOf } from "./report.ts";
import {
  type AdminAnswer,
  type AdminRequest,
  isThisMachine,
  OTHER_MACHINE,
  objectIn,
  objectionTo,
  refused,
} from "./request.ts";
import { obeyed } from "./token.ts";

const LIFETIME_S_MAX = NUMBER_LIFETIME_S;

export interface AdminOf {
  readonly node: OverlayNode;
  readonly token: string;
  readonly times: Omit<ReportedTimes, "nowMs">;
  /**
   * The audit report of a number, as plain JSON; undefined when nothing is known of it. Only a ViPR server has one. `tenant`: the
   * company whose view is wanted, where there are several on the server.
   */
  readonly explain?: (number: E164, tenant?: string) => Effect.Effect<unknown>;
}

export const handleAdmin = ({ node, token, times, explain }: AdminOf) =>
  Effect.fn("admin.handle")(function* (request: AdminRequest): Effect.fn.Return<AdminAnswer> {
    if (!isThisMachine(request.host)) return OTHER_MACHINE;
    const wanted = WANTED[request.path];
    if (wanted === undefined) return refused(404, "nothing here");
    const objection = objectionTo(request, wanted);
    if (objection !== undefined) return objection;
    if (wanted === "GET") {
      const nowMs = yield* Clock.currentTimeMillis;
      return { status: 200, body: yield* reportOf(node, { ...times, nowMs }) };
    }
    return yield* obeyed(token, request, obey({ node, explain }, request));
  });

const obey = Effect.fnUntraced(function* (
  { node, explain }: Pick<AdminOf, "node"> & { readonly explain: AdminOf["explain"] | undefined },
  { path, body }: AdminRequest,
): Effect.fn.Return<AdminAnswer> {
  const read = readOrder(body);
  if (typeof read === "string") return refused(400, read);
  if (path === "/explain") {
    if (explain === undefined) return refused(404, "no ViPR server runs here");
    return { status: 200, body: { story: (yield* explain(read.number, read.tenant)) ?? null } };
  }
  return yield* Effect.catch(perform(node, path, read), (error) => {
    const answer = refusalOf(error);
    return Effect.as(Effect.logWarning("admin.notDone", path, answer.body), answer);
  });
});

const WANTED: Readonly<Record<string, "GET" | "POST" | undefined>> = Object.assign(Object.create(null), {
  "/ring.json": "GET",
  "/publish": "POST",
  "/withdraw": "POST",
  "/find": "POST",
  "/explain": "POST",
});

interface Order {
  readonly number: E164;
  readonly vservice: VServiceId;
  readonly lifetimeS: number;
  /** Of `/explain`; empty is the server's own company. */
  readonly tenant: string;
}

/** The order, or what is wrong with it. */
const readOrder = (body: string): Order | string => {
  const given = objectIn(body);
  if (typeof given === "string") return given;
  const { number, vservice = "0", lifetimeS = NUMBER_LIFETIME_S, tenant = "" } = given;
  const normal = typeof number === "string" ? normalizeE164(number) : undefined;
  if (normal === undefined) return "number: not a telephone number in E.164 form, as +14085555432";
  if (typeof vservice !== "string" || !/^[0-9a-f]{1,16}$/i.test(vservice))
    return "vservice: not 1 to 16 hexadecimal digits";
  if (typeof lifetimeS !== "number" || !Number.isInteger(lifetimeS) || lifetimeS < 1 || lifetimeS > LIFETIME_S_MAX)
    return `lifetimeS: not a whole number of seconds from 1 to ${LIFETIME_S_MAX}`;
  if (typeof tenant !== "string" || (tenant !== "" && !isTenantName(tenant)))
    return "tenant: not a name of a company here";
  return { tenant, number: normal, vservice: vserviceId(bigOf(bytesOfHex(vservice.padStart(16, "0")))), lifetimeS };
};

const perform = (
  node: OverlayNode,
  path: string,
  { number, vservice, lifetimeS }: Order,
): Effect.Effect<AdminAnswer, OverlayError> => {
  const done = (body: unknown): AdminAnswer => ({ status: 200, body });
  if (path === "/publish")
    return Effect.map(publishNumber(node, number, vservice, lifetimeS), ({ replicas }) =>
      done({ replicas: replicas.length, lifetimeS }),
    );
  if (path === "/withdraw") return Effect.map(withdrawNumber(node, number, vservice), () => done({}));
  return Effect.map(claimsOf(node, number), (claims) =>
    done({
      claims: claims.map((claim) => ({
        nodeId: claim.nodeId.toString(16).padStart(32, "0"),
        vservice: claim.vservice.toString(16).padStart(16, "0"),
      })),
    }),
  );
};

/** A text for the operator; `info` is from the responsible peer. */
const refusalOf = (error: OverlayError): AdminAnswer =>
  error._tag === "OverlayRefused"
    ? refused(409, `the overlay refused: ${error.code}${error.info === "" ? "" : ` (${error.info})`}`)
    : error.reason === "store"
      ? refused(507, `this node cannot keep it: ${error.why}`)
      : refused(504, `the overlay gave no answer: ${error.why}`);
