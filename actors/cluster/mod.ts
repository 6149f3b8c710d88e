/** Several servers of one company that share a store, and divide its work. */
export { type ClusterOptions, type OpenCluster, openCluster, partName } from "./cluster.ts";
export { runnerStorage, type SharedShards } from "./runners.ts";
