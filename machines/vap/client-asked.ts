/** What a call agent answers to its server's own requests. draft-jennings-vipr-vap-02 §9. Functions only. */
import {
  errorAttribute,
  readValInfo,
  type VapContent,
  type VapError,
  type VapMessage,
  valueIn,
} from "../../codecs/vap/mod.ts";
import type { Of } from "../kit/mod.ts";
import { revoke } from "./client-revoked.ts";
import type { ClientDecision, VapClientAction, VapClientContext, VapClientEvent } from "./client-types.ts";

type Context = VapClientContext;

/**
 * A request of the server's: Notify brings a ValInfo document, and is answered by `kept`; PublishRevoke takes our VService
 * away until the server has the overlay again; every other method is refused.
 */
export const asked = (
  context: Context,
  { request, genuine }: Of<VapClientEvent, "asked">,
): ClientDecision<"answer" | "learned" | "report" | "startTimer" | "note"> => {
  if (!genuine) return { actions: [{ type: "note", unexpected: "request without integrity" }] };
  if (request.type.method === "publishRevoke") return revokedBy(context, request);
  if (request.type.method !== "notify") return { actions: [answer(request, "badRequest")] };
  const id = valueIn(request, "subscriptionId");
  if (id === undefined || id !== context.subscription) return { actions: [answer(request, "unknownSubscription")] };
  const read = readValInfo(valueIn(request, "serviceContent") ?? new Uint8Array());
  if (!read.ok) return { actions: [answer(request, "badRequest")] };
  return { actions: [{ type: "learned", info: read.value, transactionId: request.transactionId }] };
};
const revokedBy = (context: Context, request: VapMessage): ClientDecision<"answer" | "report" | "startTimer"> => {
  const { vservice, instance } = valueIn(request, "serviceIdentity") ?? {};
  if (vservice !== context.vservice || instance !== context.instance)
    return { actions: [answer(request, "badRequest")] };
  const taken: Of<VapClientAction, "answer"> = {
    type: "answer",
    transactionId: request.transactionId,
    content: { method: "publishRevoke", class: "success", attributes: [] },
  };
  const text = readable(valueIn(request, "serviceContent") ?? new Uint8Array());
  // Asked for already, or not published: the answer to that Publish says how it stands.
  if (!context.isPublished) return { actions: [taken] };
  const { context: changed, actions } = revoke(context, text);
  return { context: changed ?? {}, actions: [taken, ...(actions ?? [])] };
};
/** What the server says of it, for the operator: not a document. */
const readable = (bytes: Uint8Array): string =>
  new TextDecoder().decode(bytes.subarray(0, REVOKED_WHY_BYTES_MAX)).replace(/[^\x20-\x7e]/g, "?");
const REVOKED_WHY_BYTES_MAX = 200;
const answer = ({ type, transactionId }: VapMessage, error: VapError): Of<VapClientAction, "answer"> => ({
  type: "answer",
  transactionId,
  content: { method: type.method as VapContent["method"], class: "error", attributes: [errorAttribute(error)] },
});
/** A route that was stored; on a connection after the one that brought it the server ignores the answer. */
export const kept = (_: Context, { transactionId, isKept }: Of<VapClientEvent, "kept">): ClientDecision<"answer"> => ({
  actions: isKept
    ? [{ type: "answer", transactionId, content: { method: "notify", class: "success", attributes: [] } }]
    : [],
});
