/**
 * A border element's core between a call agent, two domains and a stranger inside: with a media relay, which answers or
 * refuses, and without one.
 */
import { ntpFromMs, unixMs } from "../../codecs/shared/mod.ts";
import type { SipRequest } from "../../codecs/sip/mod.ts";
import { BorderCore, type BorderOrder, type BorderSource } from "../../machines/border/mod.ts";
import {
  ACME,
  AGENT,
  clearSdp,
  inner,
  MALLORY,
  optionsOf,
  outer,
  START_MS,
  securedSdp,
  ticketFor,
} from "../border/world.ts";
import { read } from "../proxy/world.ts";
import { coreSubject } from "./core.ts";
import type { Subject } from "./subject.ts";

const SOURCES: ReadonlyArray<BorderSource> = [AGENT, ACME, MALLORY, { ...AGENT, host: "192.0.2.99", stream: 9 }];
const METHODS = ["OPTIONS", "CANCEL", "ACK", "BYE", "MESSAGE", "SUBSCRIBE", "REFER"];

const subject = (name: string, hasRelay: boolean): Subject => {
  let asked = 0;
  // A search takes years of its own time.
  const notAfter = ntpFromMs(unixMs(START_MS + 10 * 365 * 86_400_000));
  const ticket = ticketFor({ validity: { notBefore: ntpFromMs(unixMs(START_MS - 1_000)), notAfter } });
  const core = new BorderCore(optionsOf({ hasRelay }), START_MS);
  return coreSubject<BorderSource, BorderOrder>({
    name,
    core: core as never,
    startMs: START_MS,
    sources: SOURCES,
    fresh: (chance, number) => {
      const [make, source] = chance.below(2) === 0 ? ([outer, ACME] as const) : ([inner, AGENT] as const);
      const method = chance.below(4) === 0 ? chance.of(METHODS) : "INVITE";
      // Some leave the offer to whoever answers.
      const late = chance.below(4) === 0 ? { body: "" } : {};
      const words = { callId: `call-${number}`, branch: `z9hG4bK-${number}`, ticket, ...late };
      return [read(make(method, words)) as SipRequest, source];
    },
    at: (host) => SOURCES.find((source) => source.host === host),
    body: (chance) => chance.of([securedSdp("10.1.2.3"), clearSdp("10.1.2.3"), ""]),
    perform: (order, nowMs) => {
      if (order.type === "places") core.placed(order.id, [{ host: "198.51.100.8", port: 5_061 }], nowMs);
      if (order.type !== "media") return;
      const { id, question } = order;
      core.described(id, ++asked % 8 === 0 ? { refused: "full", isOurs: true } : { sdp: question.sdp }, nowMs);
    },
  });
};

export const borderSubject = (): Subject => subject("border", false);
export const relayingBorderSubject = (): Subject => subject("relaying-border", true);
