/**
 * Messages as they leave on the other side of the border. RFC 3261 §12, §16.6 and §16.7;
 * docs/protocol/sip.md#what-the-inside-does-not-show. DECISIONS.md D-120 to D-122.
 *
 *   outside                                   | border |   inside
 *   INVITE, Record-Route theirs               -->          Record-Route i..., theirs
 *   200, Record-Route o..., theirs; Contact c <--          Record-Route theirs, i..., ours; Contact
 *   BYE c, Route o...                         -->          BYE contact, Route out of o...
 *   BYE contact, Route theirs                 <--          BYE contact, Route i..., theirs
 */
import {
  fieldsOf,
  type Header,
  headerOf,
  listOf,
  parseNameAddr,
  printHostPort,
  type SipRequest,
  type SipResponse,
  tagOf,
} from "../../codecs/sip/mod.ts";
import { type Destination, type OwnAddresses, toStrictRouter } from "../proxy/mod.ts";
import type { Side } from "../sip/mod.ts";
import type { BorderContext, BorderHop, CallOf } from "./context.ts";
import { contactParts, isBelieved, isShown, withPublicHost } from "./hiding.ts";
import { namesOf, OFFERING, recordRoutes, rewritten, withoutDescription } from "./rewrite.ts";
import type { Tokens } from "./tokens.ts";

/** The number of our outside address. */
export const OUTSIDE = 0;
/** The first letter of a call's name: who opened it, and whether its Call-ID is shown under another name. */
export const HIDDEN_CALL = "h";

export class Crossing {
  private readonly own: OwnAddresses<Side>;
  private readonly tokens: Tokens;
  private readonly domain: string;
  /** Behind the user part of our URIs. */
  private readonly places: ReadonlyArray<string>;

  constructor(own: OwnAddresses<Side>, tokens: Tokens, domain: string) {
    this.own = own;
    this.tokens = tokens;
    this.domain = domain;
    this.places = own.all.map(({ transport, host, port }, i) => {
      const by = transport === "UDP" ? "" : `;transport=${transport.toLowerCase()}`;
      return i === OUTSIDE ? `@${domain}:${port};maddr=${host}${by}` : `@${printHostPort(host, port)}${by}`;
    });
  }

  /** A request as it goes out by this hop. `isDialog`: a dialog may come of it. */
  request(
    request: SipRequest,
    of: CallOf,
    hop: BorderHop,
    to: Destination,
    branch: string,
    opens: boolean,
  ): SipRequest {
    const via = { name: "Via", value: `${this.own.via(to.own)}${branch}${to.own === OUTSIDE ? ";alias" : ""}` };
    const routes = hop.routes.map((value): Header => ({ name: "Route", value }));
    const { headers, body } =
      to.own === OUTSIDE ? this.outwards(request, of, opens) : this.inwards(request, of, to.own, opens);
    return toStrictRouter({
      type: "request",
      method: request.method,
      uri: hop.uri,
      headers: [via, ...headers.records, ...routes, ...headers.rest],
      body,
    });
  }

  /** A response as it goes back where its request came from. Undefined: it does not say where to. */
  response(context: BorderContext, response: SipResponse): SipResponse | undefined {
    const { request } = context;
    if (request === undefined) return undefined;
    const isDialog = response.status > 100 && response.status < 300;
    const records = isDialog && context.opens ? this.recordsBack(context, request, response) : [];
    const isOut = context.from === "outside";
    const callId = headerOf(request, "Call-ID");
    const clean = response.status >= 300 ? withoutDescription(response) : response;
    const headers = rewritten(clean, {
      first: [...fieldsOf(request, "Via"), ...recordRoutes(records)],
      isKept: isOut ? isShown : isBelieved,
      // Where a refused call might be tried instead is no business of the other side.
      contact: (value) =>
        !isDialog ? undefined : isOut ? this.contactOut(value, context.of, callId ?? "", context.opens) : value,
      named: namesOf(request, response),
      ...(callId === undefined ? {} : { callId }),
      isCounted: false,
    });
    const { status, reason, body } = clean;
    return { type: "response", status, reason, headers, body };
  }

  /** The Call-ID of the inside, where the one that came is our name for it. */
  callIdInside(callId: string): string {
    return this.tokens.openCallId(callId) ?? callId;
  }

  private outwards(request: SipRequest, of: CallOf, opens: boolean) {
    const inside = headerOf(request, "Call-ID") ?? "";
    const callId = of.call.startsWith(HIDDEN_CALL) ? this.tokens.callId(inside) : inside;
    const records = opens
      ? [this.recordOut(of, headerOf(request, "Contact"), listOf(request, "Record-Route"), callId)]
      : [];
    const clean = DESCRIBING.has(request.method) ? request : withoutDescription(request);
    const rest = rewritten(clean, {
      first: [],
      isKept: isShown,
      contact: (value) => this.contactOut(value, of, callId, opens),
      named: (name, header) => {
        const value = withPublicHost(name, header.value, this.domain);
        return value === header.value ? header : { name, value };
      },
      ...(callId === inside ? {} : { callId }),
      isCounted: true,
    });
    return { headers: { records: recordRoutes(records), rest }, body: clean.body };
  }

  private inwards(request: SipRequest, of: CallOf, own: number, opens: boolean) {
    const outside = headerOf(request, "Call-ID") ?? "";
    const callId = this.callIdInside(outside);
    const records = opens ? [this.recordIn(of, own, callId), ...listOf(request, "Record-Route")] : [];
    const clean = DESCRIBING.has(request.method) ? request : withoutDescription(request);
    const rest = rewritten(clean, {
      first: [],
      isKept: isBelieved,
      ...(callId === outside ? {} : { callId }),
      isCounted: true,
    });
    return { headers: { records: recordRoutes(records), rest }, body: clean.body };
  }

  /** The records that whoever opened the dialog is shown: theirs as the request had them, ours, and those beyond us. */
  private recordsBack(context: BorderContext, request: SipRequest, response: SipResponse): ReadonlyArray<string> {
    const { from, of, server } = context;
    const theirs = listOf(request, "Record-Route");
    const shown = listOf(response, "Record-Route");
    const ours = shown.findIndex((value) => this.isOurs(value));
    const beyond = ours < 0 ? [] : shown.slice(0, ours);
    const callId = headerOf(request, "Call-ID") ?? "";
    if (from === "inside") {
      context.record ??= { value: this.recordIn(of, server.to.own, callId), of: "" };
      return [...beyond, context.record.value, ...theirs];
    }
    const contact = headerOf(response, "Contact");
    const said = `${contact}\n${beyond.join("\n")}`;
    if (context.record?.of !== said)
      context.record = { value: this.recordOut(of, contact, [...beyond].reverse(), callId), of: said };
    return [context.record.value, ...theirs];
  }

  private recordOut(of: CallOf, contact: string | undefined, routes: ReadonlyArray<string>, callId: string): string {
    const target = contact === undefined ? undefined : contactParts(contact)?.target;
    const token = this.tokens.outside("o", { ...of, contact: target ?? "", routes }, callId);
    return `<sip:${token}${this.places[OUTSIDE]};lr>`;
  }

  private recordIn(of: CallOf, own: number, callId: string): string {
    return `<sip:${this.tokens.inside(of, callId)}${this.places[own]};lr>`;
  }

  /** What opens a dialog has the target in its record already. */
  private contactOut(value: string, of: CallOf, callId: string, opens: boolean): string | undefined {
    const parts = contactParts(value);
    if (parts === undefined) return undefined;
    const user = opens ? "c" : this.tokens.outside("c", { ...of, contact: parts.target, routes: [] }, callId);
    return `<sip:${user}${this.places[OUTSIDE]}>${parts.params}`;
  }

  private isOurs(value: string): boolean {
    const route = parseNameAddr("Record-Route", value);
    return route.ok && this.own.of(route.value.uri) >= 0;
  }
}

/** Whose description has been looked at on its way here: an ACK has the answer to an offer that came late, or none. */
const DESCRIBING: ReadonlySet<string> = new Set([...OFFERING, "ACK"]);

/** Of both ends of a dialog. */
export const tagsOf = (request: SipRequest): ReadonlyArray<string | undefined> => [
  tagOf(request, "From"),
  tagOf(request, "To"),
];
