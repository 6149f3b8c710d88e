/** Finding a SIP peer over the DNS port. RFC 3263. */
export { type Located, type Locator, type LocatorOptions, openLocator, type Wanted } from "./locator.ts";
