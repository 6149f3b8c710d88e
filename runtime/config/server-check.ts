/** What is wrong with `[server]` although each of its keys is well formed. */
import { normalDomain } from "../../codecs/ticket/mod.ts";
import { isAccountName } from "../cli/accounts.ts";
import type { Finding } from "./faults.ts";
import type { ViprConfig } from "./schema.ts";

/** What validations wait at least, where only the other end of the range is given; and at most. */
export const WAIT_MIN_S = 30;
export const WAIT_MAX_S = 86_400;

export const serverFindings = ({ server }: ViprConfig): ReadonlyArray<Finding> => [
  ...waitFindings(server),
  ...clusterFindings(server),
  ...Object.keys(server.agents)
    .filter((name) => !isAccountName(name))
    .map((name) => wrong(["server", "agents", name], "wants a name of letters, digits and signs")),
  ...server.domains.flatMap((domain, i) =>
    normalDomain(domain) === undefined
      ? [wrong(["server", "domains", i], `wants a domain, as "acme.example", not "${domain}"`)]
      : [],
  ),
];

const clusterFindings = (server: ViprConfig["server"]): ReadonlyArray<Finding> => {
  if (server.cluster === undefined) return [];
  const lacks: ReadonlyArray<readonly [string, unknown]> = [
    ["store", server.store],
    ["cluster-certificate-file", server.clusterCertificateFile],
    ["cluster-key-file", server.clusterKeyFile],
    ["cluster-ca-file", server.clusterCaFile],
  ];
  return lacks.flatMap(([key, value]) =>
    value === undefined ? [wrong(["server", "cluster"], `wants server.${key} as well`)] : [],
  );
};

const waitFindings = ({ waitMinS, waitMaxS }: ViprConfig["server"]): ReadonlyArray<Finding> => {
  const [min, max] = [waitMinS ?? WAIT_MIN_S, waitMaxS ?? WAIT_MAX_S];
  if (min <= max) return [];
  return waitMinS === undefined
    ? [wrong(["server", "wait-max-s"], `wants at least server.wait-min-s, ${min}, not ${max}`)]
    : [wrong(["server", "wait-min-s"], `wants at most server.wait-max-s, ${max}, not ${min}`)];
};

const wrong = (path: Finding["path"], why: string): Finding => ({ path, what: "value", why });
