/**
 * The result of a validation: the content of a Notify. draft-jennings-vipr-vap-02 §10.2. No namespace.
 *
 *   <valinfo> <number/> <ticket/> <route> <SIPURI/>... </route>... </valinfo>
 *
 * The draft lets the three elements repeat for further numbers; a validation proves one number, so we write and read
 * one.
 */
import { type E164, isE164, utf8 } from "../shared/mod.ts";
import { CONTENT_BYTES_MAX } from "./registry.ts";
import { element, Fault, type Read, ROUTES_MAX, type Route, reading, routesOf, routeText, textOf } from "./xml.ts";

/** What a validation brings: the number, its ticket in base64, and SIP URIs to call it by. */
export interface ValInfo {
  readonly number: E164;
  readonly ticket: string;
  readonly routes: ReadonlyArray<Route>;
}

/** The document in UTF-8. Nothing is checked: `withFittingRoutes` keeps it within an answer. */
export const writeValInfo = ({ number, ticket, routes }: ValInfo): Uint8Array =>
  utf8(`<valinfo>${element("number", number)}${element("ticket", ticket)}${routes.map(routeText).join("")}</valinfo>`);

/** The same with only the first routes, as many as fit into one answer: a VService may have more. */
export const withFittingRoutes = (info: ValInfo): ValInfo => {
  const routes: Array<Route> = [];
  let bytes = writeValInfo({ ...info, routes }).length;
  for (const route of info.routes.slice(0, ROUTES_MAX)) {
    bytes += utf8(routeText(route)).length;
    if (bytes > CONTENT_BYTES_MAX) break;
    routes.push(route);
  }
  return { ...info, routes };
};

/** One number, one ticket, 1 to 16 routes of 1 to 16 URIs each; an error names the element. */
export const readValInfo = (bytes: Uint8Array): Read<ValInfo> =>
  reading(bytes, "valinfo", (info) => {
    const number = textOf(info, "number");
    if (!isE164(number)) throw new Fault("number", "not an E.164 number");
    return { number, ticket: textOf(info, "ticket"), routes: routesOf(info) };
  });
