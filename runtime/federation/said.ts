/** A ViPR server's event as a line of the trace. */
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import type { NodeId } from "../../codecs/shared/mod.ts";

export interface Said {
  readonly what: string;
  readonly to?: string;
  readonly detail?: string;
}

/** `ownerOf`: whose node it is; one that nobody in the plan runs is not named. */
export const eventOf = (event: ViprEvent, ownerOf: (node: NodeId) => string | undefined): Said => {
  const { type, number } = event;
  switch (event.type) {
    case "vcr":
      return { what: `call record, ${event.direction}`, detail: number };
    case "lookedUp":
      return { what: "looked up", detail: `${number}: ${event.claims} claims` };
    case "attempted": {
      const { nodeId, verdict, method, bits } = event.attempt;
      const to = ownerOf(nodeId);
      const detail = `${number} by method ${method}, ${bits.toFixed(1)} bits`;
      return { what: `PVP: ${verdict}`, detail, ...(to === undefined ? {} : { to }) };
    }
    case "proved":
      return { what: "proved", detail: `${number}: ${event.bits.toFixed(1)} of ${event.required} bits` };
    case "learned":
      return { what: "route learned", to: event.domain, detail: number };
    case "granted":
      return { what: "ticket granted", to: event.domain, detail: number };
    case "declined":
      return { what: `declined, ${event.code}`, to: event.domain, detail: number };
    case "lookUpFailed":
    case "publishFailed":
      return { what: type, detail: `${number}: ${event.why}` };
    default:
      return { what: type, detail: number };
  }
};
