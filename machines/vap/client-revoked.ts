/**
 * A VService that the server revokes, as it has lost the overlay: published again after a while, over and over.
 * docs/protocol/vap.md#when-the-overlay-is-lost. Functions from the context to what changes and what is ordered.
 */
import { errorCode } from "../../codecs/vap/mod.ts";
import { isService } from "./client-jobs.ts";
import type { Ask, ClientDecision, VapClientContext } from "./client-types.ts";

type Context = VapClientContext;

/** A VService that the server had, and has no more: it has lost the overlay, and is asked again after this. */
const REPUBLISH_BETWEEN_MS = [30_000, 60_000] as const;
/** 481 for a VService that was published before: as PublishRevoke. */
export const isRevocation = (context: Context, what: Ask["what"], error: number | undefined): boolean =>
  isAccepted(context, what) && error === errorCode.publicationFailed;
/** What is asked for is to be published once more, and nobody waits for it. */
export const isAccepted = ({ service }: Context, what: Ask["what"]): boolean =>
  isService(what) && what.version === service?.version;

/** The session goes on without its VService: what is to be published or uploaded waits. */
export const revoke = (context: Context, why: string): ClientDecision<"report" | "startTimer"> => ({
  context: { isPublished: false, isRevoked: true },
  actions: [
    ...(context.isRevoked ? [] : [{ type: "report", what: "revoked", why } as const]),
    { type: "startTimer", timer: "republish", betweenMs: REPUBLISH_BETWEEN_MS },
  ],
});
/** The VService is published anew, and then its numbers: the server has withdrawn them. */
export const republish = ({ stored, isRefreshing }: Context): ClientDecision<"stopTimer"> => ({
  context: { isRevoked: false, refreshBelow: stored.next, isRefreshing: false },
  actions: isRefreshing ? [{ type: "stopTimer", timer: "refresh" }] : [],
});
