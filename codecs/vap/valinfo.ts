/**
 * What a validation learned: the content of a Notify. draft-jennings-vipr-vap-02 §10.2. No namespace.
 *
 *   <valinfo> <number/> <ticket/> <route> <SIPURI/>... </route>... </valinfo>
 *
 * The draft lets the three repeat for further numbers; a validation proves one, and we write and read one.
 */
import { type E164, isE164, utf8 } from "../shared/mod.ts";
import { element, Fault, type Read, type Route, reading, routesOf, routeText, textOf } from "./xml.ts";

export interface ValInfo {
  readonly number: E164;
  readonly ticket: string;
  readonly routes: ReadonlyArray<Route>;
}

export const writeValInfo = ({ number, ticket, routes }: ValInfo): Uint8Array =>
  utf8(`<valinfo>${element("number", number)}${element("ticket", ticket)}${routes.map(routeText).join("")}</valinfo>`);

export const readValInfo = (bytes: Uint8Array): Read<ValInfo> =>
  reading(bytes, "valinfo", (info) => {
    const number = textOf(info, "number");
    if (!isE164(number)) throw new Fault("number", "not an E.164 number");
    return { number, ticket: textOf(info, "ticket"), routes: routesOf(info) };
  });
