/**
 * Requests that open a dialog and those within it. RFC 3261 §8.1.1, §12 and §13.2.2.4.
 * A dialog is what both ends remember of an INVITE and its 2xx: two addresses with tags, a target and a set of routes.
 */
import type { E164 } from "../shared/mod.ts";
import { type Header, headerOf, listOf } from "./fields.ts";
import { cseqOf, tagOf } from "./header.ts";
import type { SipRequest, SipResponse } from "./message.ts";
import { parseNameAddr, targetIn } from "./name-addr.ts";
import { hasParam } from "./params.ts";
import { TICKET_HEADER } from "./ticket-header.ts";
import { parseUri, printUri, type SipUri, sipUri } from "./uri.ts";
import { printVia } from "./values.ts";

/** Where we are, in a Via and in a Contact. */
export interface SentBy {
  readonly transport: "UDP" | "TCP" | "TLS";
  readonly host: string;
  readonly port: number;
}

/** What the first INVITE of a call is made from. */
export interface InviteParts {
  /** The Request-URI's host; the number is its user part. */
  readonly host: string;
  readonly called: E164;
  readonly calling: E164 | undefined;
  /** Our own domain, for From. */
  readonly domain: string;
  readonly by: SentBy;
  readonly branch: string;
  readonly tag: string;
  readonly callId: string;
  /** The topmost Route's value, RFC 3261 §16.12.1.1; none sends the request to the Request-URI's host. */
  readonly route: string | undefined;
  readonly ticket: string | undefined;
  readonly body: Uint8Array;
}

/** An INVITE that opens a dialog, with CSeq 1 and an SDP body. A caller without a number is anonymous. RFC 3261 §8.1.1, §13.2.1. */
export const inviteOf = (parts: InviteParts): SipRequest => {
  const { host, called, calling, domain, by, branch, tag, callId, route, ticket, body } = parts;
  const uri = printUri(sipUri({ user: called, host, params: [{ name: "user", value: "phone" }] }));
  const optional = (name: string, value: string | undefined): ReadonlyArray<Header> =>
    value === undefined ? [] : [{ name, value }];
  return {
    type: "request",
    method: "INVITE",
    uri,
    headers: [
      { name: "Via", value: printVia({ ...by, params: [{ name: "branch", value: branch }] }) },
      ...optional("Route", route),
      { name: "Max-Forwards", value: "70" },
      { name: "From", value: `${fromOf(calling, domain)};tag=${tag}` },
      { name: "To", value: `<${uri}>` },
      { name: "Call-ID", value: callId },
      { name: "CSeq", value: "1 INVITE" },
      { name: "Contact", value: contactOf(by) },
      ...optional(TICKET_HEADER, ticket),
      { name: "Content-Type", value: "application/sdp" },
    ],
    body,
  };
};

/** The value of our Contact. */
export const contactOf = ({ transport, host, port }: SentBy): string => {
  const uri: SipUri = sipUri({ host, port, params: [{ name: "transport", value: transport.toLowerCase() }] });
  return `<${printUri(uri)}>`;
};

/** One end's memory of a dialog, addresses and targets as texts that go into header fields. RFC 3261 §12. */
export interface Dialog {
  readonly callId: string;
  /** Our own address and the other's, with their tags: From and To of what we send. */
  readonly local: string;
  readonly remote: string;
  /** The Request-URI of what we send. */
  readonly target: string;
  /** Route values, first to last. */
  readonly routes: ReadonlyArray<string>;
  /** The number of the INVITE, for its ACK; our own requests go on from there. */
  readonly invited: number;
}

/** As the caller knows it, by the 2xx. RFC 3261 §12.1.2. Undefined: the 2xx has no readable Contact. */
export const dialogOfCaller = (invite: SipRequest, response: SipResponse): Dialog | undefined => {
  const target = targetOf(response);
  return target === undefined
    ? undefined
    : {
        callId: headerOf(invite, "Call-ID")!,
        local: headerOf(invite, "From")!,
        remote: headerOf(response, "To")!,
        target,
        routes: [...listOf(response, "Record-Route")].reverse(),
        invited: cseqOf(invite).number,
      };
};

/** As the called side knows it. RFC 3261 §12.1.1. */
export const dialogOfCallee = (invite: SipRequest, response: SipResponse): Dialog | undefined => {
  const target = targetOf(invite);
  return target === undefined
    ? undefined
    : {
        callId: headerOf(invite, "Call-ID")!,
        local: headerOf(response, "To")!,
        remote: headerOf(invite, "From")!,
        target,
        routes: listOf(invite, "Record-Route"),
        invited: 0,
      };
};

/**
 * A strict router stands first where its URI has no `lr`: it takes the Request-URI for its own address, and the target goes to
 * the end of the Route. RFC 3261 §12.2.1.1 and §16.6 step 6.
 */
export const strictly = (
  target: string,
  routes: ReadonlyArray<string>,
): { readonly uri: string; readonly routes: ReadonlyArray<string> } | undefined => {
  const first = routes[0] === undefined ? undefined : parseNameAddr("Route", routes[0]);
  if (!first?.ok || first.value.uri.type !== "sip" || hasParam(first.value.uri.params, "lr")) return undefined;
  const uri = targetIn(routes[0]!);
  return uri === undefined ? undefined : { uri, routes: [...routes.slice(1), `<${target}>`] };
};

/** ACK of a 2xx, or BYE. RFC 3261 §12.2.1.1 and §13.2.2.4. */
export const requestIn = (dialog: Dialog, method: "ACK" | "BYE", by: SentBy, branch: string): SipRequest => {
  const { uri, routes } = strictly(dialog.target, dialog.routes) ?? { uri: dialog.target, routes: dialog.routes };
  return {
    type: "request",
    method,
    uri,
    headers: headersIn(dialog, routes, method, by, branch),
    body: new Uint8Array(),
  };
};

const headersIn = (
  dialog: Dialog,
  routes: ReadonlyArray<string>,
  method: "ACK" | "BYE",
  by: SentBy,
  branch: string,
): ReadonlyArray<Header> => [
  { name: "Via", value: printVia({ ...by, params: [{ name: "branch", value: branch }] }) },
  ...routes.map((value) => ({ name: "Route", value })),
  { name: "Max-Forwards", value: "70" },
  { name: "From", value: dialog.local },
  { name: "To", value: dialog.remote },
  { name: "Call-ID", value: dialog.callId },
  { name: "CSeq", value: `${method === "ACK" ? dialog.invited : dialog.invited + 1} ${method}` },
];

/** Which dialog a message speaks of, whoever sent it: the Call-ID and both tags, in one order. RFC 3261 §12. */
export const dialogIdOf = (message: SipRequest | SipResponse): string =>
  [headerOf(message, "Call-ID") ?? "", ...[tagOf(message, "From") ?? "", tagOf(message, "To") ?? ""].sort()].join(" ");

/** The other end's Contact, as a Request-URI: unchanged, RFC 3261 §12.2.1.1. */
const targetOf = (message: SipRequest | SipResponse): string | undefined => {
  const [contact] = listOf(message, "Contact");
  return contact === undefined ? undefined : targetIn(contact);
};

const fromOf = (calling: E164 | undefined, domain: string): string =>
  calling === undefined
    ? '"Anonymous" <sip:anonymous@anonymous.invalid>'
    : `<${printUri(sipUri({ user: calling, host: domain, params: [{ name: "user", value: "phone" }] }))}>`;

/** The host that a SIP URI names: a route's domain. */
export const hostOf = (text: string): string | undefined => {
  const uri = parseUri(text);
  return uri.ok && uri.value.type === "sip" ? uri.value.host : undefined;
};
