/** The call agent's proxy core between a PBX, two trunks, a border element and strangers. */
import { e164 } from "../../codecs/shared/mod.ts";
import { type CoreOrder, ProxyCore } from "../../machines/proxy/mod.ts";
import {
  BORDER,
  invite,
  OWN,
  PBX,
  PEERS,
  type Place,
  request,
  SECURED_SDP,
  sourceOf,
  TRUNK,
  TRUNK2,
} from "../proxy/world.ts";
import { coreSubject } from "./core.ts";
import type { Subject } from "./subject.ts";

const PLACES: ReadonlyArray<Place> = [PBX, TRUNK, TRUNK2, BORDER, { host: "203.0.113.9", port: 5_060 }];
const SOURCES = PLACES.map(sourceOf);
const PBX_SOURCE = sourceOf(PBX);
const METHODS = ["OPTIONS", "REGISTER", "SUBSCRIBE", "MESSAGE", "CANCEL", "ACK", "BYE", "REFER"];
const START_MS = 1_700_000_000_000;
const VIPR = {
  called: e164("+49305550901"),
  uri: "sip:+49305550901@nord.example;maddr=203.0.113.5",
  ticket: "dGlja2V0",
};

export const proxySubject = (): Subject => {
  let calls = 0;
  const route = () => ({ trunks: ["one", "two"], ...(++calls % 3 === 0 ? { vipr: VIPR } : {}) });
  return coreSubject<ReturnType<typeof sourceOf>, CoreOrder>({
    name: "proxy",
    core: new ProxyCore({ own: OWN, peers: PEERS, mark: "mark", route }, START_MS),
    startMs: START_MS,
    sources: SOURCES,
    fresh: (chance, number) => {
      const words = { callId: `call-${number}`, branch: `z9hG4bK-${number}` };
      if (chance.below(3) === 0) return [request(chance.of(METHODS), words), PBX_SOURCE];
      return [invite(chance.below(2) === 0 ? words : { ...words, body: SECURED_SDP }), PBX_SOURCE];
    },
    at: (host) => SOURCES.find((source) => source.host === host),
    body: (chance) => (chance.below(2) === 0 ? SECURED_SDP : ""),
  });
};
