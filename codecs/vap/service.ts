/**
 * The document of a VService: what a call agent publishes with Publish 101/4. draft-jennings-vipr-vap-02 §10.1; where the
 * printed schema contradicts itself we follow its example.
 *
 *   <service-description xmlns=".../saf-uc" schemaVersion="1.0" id="has7gg">
 *     <vservice xmlns=".../viprtrunk">
 *       <DHTname/> <DIDCount/> <domain/> [<blacklist|whitelist> <domain/>... </>] <route> <SIPURI/>... </route>...
 *
 * DECISIONS.md D-035.
 */
import { utf8 } from "../shared/mod.ts";
import { normalDomain } from "../ticket/mod.ts";
import {
  child,
  children,
  element,
  elements,
  escaped,
  Fault,
  type Read,
  type Route,
  reading,
  routesOf,
  routeText,
  textOf,
  texts,
} from "./xml.ts";

/** What a call agent publishes of its VService. */
export interface VService {
  /** Chosen by the call agent. */
  readonly id: string;
  readonly dhtName: string;
  /** How many numbers the call agent has; counted against the quota. */
  readonly didCount: number;
  /** Normalised: lower case, without a dot at the end. */
  readonly domain: string;
  /** Domains that get no ticket from us, or the only ones that do. */
  readonly list?: { readonly type: "blacklist" | "whitelist"; readonly domains: ReadonlyArray<string> } | undefined;
  readonly routes: ReadonlyArray<Route>;
}

/** The overlay's name in the drafts. */
export const DHT_NAME = "Quetzalcoatl";
const SERVICE_NAMESPACE = "http://www.cisco.com/namespaces/saf-uc";
const TRUNK_NAMESPACE = "http://www.cisco.com/namespaces/viprtrunk";
const DOMAINS_MAX = 1_024;
const DID_COUNT_MAX = 0xffff_ffff;

/** The document in UTF-8. Nothing is checked: a text that is no domain is refused by the reader. */
export const writeVService = ({ id, dhtName, didCount, domain, list, routes }: VService): Uint8Array =>
  utf8(
    [
      `<service-description xmlns="${SERVICE_NAMESPACE}" schemaVersion="1.0" id="${escaped(id)}">`,
      `<vservice xmlns="${TRUNK_NAMESPACE}">`,
      element("DHTname", dhtName),
      element("DIDCount", String(didCount)),
      element("domain", domain),
      list === undefined
        ? ""
        : `<${list.type}>${list.domains.map((name) => element("domain", name)).join("")}</${list.type}>`,
      ...routes.map(routeText),
      "</vservice></service-description>",
    ].join(""),
  );

/** An error names the element: a domain that is none, both lists at once, over 1,024 domains in one, no route. */
export const readVService = (bytes: Uint8Array): Read<VService> =>
  reading(bytes, "service-description", (root) => {
    const service = child(root, "vservice");
    return {
      id: texts(root, "@id", 1, 1)[0]!,
      dhtName: textOf(service, "DHTname"),
      didCount: countOf(textOf(service, "DIDCount")),
      domain: domainOf(textOf(service, "domain")),
      ...listOf(service),
      routes: routesOf(service),
    };
  });

/** A text that is no domain would match neither the private domains nor any list, whatever its operator meant. */
const domainOf = (text: string): string => {
  const domain = normalDomain(text);
  if (domain === undefined) throw new Fault("domain", "not a domain name");
  return domain;
};

const countOf = (text: string): number => {
  const count = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= DID_COUNT_MAX)) throw new Fault("DIDCount", "not a count");
  return count;
};

const listOf = (service: Parameters<typeof child>[0]): Pick<VService, "list"> => {
  const present = (["blacklist", "whitelist"] as const).filter((type) => children(service, type, 0, 1).length === 1);
  if (present.length > 1) throw new Fault("whitelist", "beside a blacklist");
  const [type] = present;
  if (type === undefined) return {};
  const [list] = elements(service, type, 1, 1);
  return { list: { type, domains: texts(list!, "domain", 1, DOMAINS_MAX).map(domainOf) } };
};
