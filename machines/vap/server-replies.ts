/** Answers to a client, and the test that a request speaks of a ViPR service. Functions only. */
import {
  errorAttribute,
  ourVersion,
  type ServiceIdentity,
  serviceIds,
  type VapContent,
  type VapError,
  type VapMethod,
} from "../../codecs/vap/mod.ts";
import type { Of } from "../kit/mod.ts";
import type { Received, VapServerAction } from "./server-types.ts";

export type Send = Of<VapServerAction, "send">;

/** The answer to one request, sealed with its sender's key; an error without a sender cannot be sealed. */
export const reply = (
  { connection, message, verdict }: Received,
  kind: "success" | "error",
  attributes: VapContent["attributes"] = [],
): Send => ({
  type: "send",
  connection,
  transactionId: message.transactionId,
  content: { method: message.type.method as VapMethod, class: kind, attributes },
  username: verdict.type === "genuine" ? verdict.username : undefined,
});
export const refuse = (event: Received, error: VapError, reason?: string): Send =>
  reply(event, "error", [
    errorAttribute(error, reason),
    ...(error === "unsupportedProtocolVersion" ? [ourVersion] : []),
  ]);

/** One of the service ids of the ViPR usage. */
export const isOurs = ({ service }: ServiceIdentity): boolean => serviceIds.includes(service);
