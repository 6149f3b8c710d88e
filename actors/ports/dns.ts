/** The domain name system, asked one question at a time. */
import { Context, type Effect } from "effect";
import type { DnsAnswer, DnsQuestion } from "../../machines/locate/mod.ts";

/** The port to the DNS, for RFC 3263. */
export class Dns extends Context.Service<
  Dns,
  {
    /**
     * Never fails: a server that is away or refuses is an answer, `failed`. CNAMEs have been followed; names come without a
     * dot at their end. Addresses are those that this machine's other programs would get, its hosts file included.
     */
    readonly ask: (question: DnsQuestion) => Effect.Effect<DnsAnswer>;
  }
>()("vipr/actors/ports/Dns") {}
