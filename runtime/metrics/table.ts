/**
 * Every metric that a program of ours has: its name, what it means, its labels, and what Cisco's product called the same
 * (counters of its ViPR server and of CUCM). docs/operator.md has this table; a test holds both equal. DECISIONS.md D-223.
 */
import type { Family, MetricType, Sample } from "./text.ts";

interface Metric {
  readonly type: MetricType;
  readonly help: string;
  readonly labels?: ReadonlyArray<string>;
  /** The counter of Cisco's product that it stands for. */
  readonly cisco?: string;
}

const counter = (help: string, labels: ReadonlyArray<string> = [], cisco?: string): Metric =>
  metric("counter", help, labels, cisco);
const gauge = (help: string, labels: ReadonlyArray<string> = [], cisco?: string): Metric =>
  metric("gauge", help, labels, cisco);
const metric = (type: MetricType, help: string, labels: ReadonlyArray<string>, cisco: string | undefined): Metric => ({
  type,
  help,
  labels,
  ...(cisco === undefined ? {} : { cisco }),
});

export const METRICS = {
  // Every program
  vipr_build_info: gauge("1; which version runs, and on what.", ["program", "version", "runtime"]),
  vipr_up_seconds: gauge("Since the program started."),
  vipr_ready: gauge("1 when GET /readyz answers 200, else 0.", [], "IMEServiceStatus"),
  vipr_resident_bytes: gauge("Memory of the process."),
  vipr_open_files: gauge("Open files and sockets of the process; on Linux."),
  vipr_event_loop_delay_seconds: metric(
    "histogram",
    "How late a timer fires that is due ten times a second: what work holds all other work up.",
    ["le"],
    undefined,
  ),
  vipr_log_events_total: counter("Lines of the log at WARN and ERROR, by event, also those that [log] leaves out.", [
    "level",
    "event",
  ]),
  vipr_certificate_left_seconds: gauge(
    "Until a certificate ends; negative afterwards.",
    ["certificate"],
    "days until expiry",
  ),
  vipr_disk_free_bytes: gauge("Of the file system of the data directory."),
  vipr_store_bytes: gauge("Of a store's files.", ["file"]),
  // Nodes and servers
  vipr_overlay_healthy: gauge(
    "1 while the node has its place in the overlay and a link to another node, or is alone in it.",
    [],
    "distributed-cache health",
  ),
  vipr_overlay_state: gauge("1 for the state that the node is in.", ["state"]),
  vipr_overlay_nodes: gauge("Nodes of the overlay, estimated.", [], "node count"),
  vipr_clock_offset_seconds: gauge(
    "How far the clocks of neighbours are ahead of this machine's, the median of up to five; a proof tolerates 2.5.",
  ),
  vipr_cluster_members: gauge("Servers of the company that share this one's store, itself included."),
  vipr_cluster_parts: gauge("Of the VServices' 32 parts those that a server of the cluster works on.", ["member"]),
  vipr_cluster_sure: gauge("1 while the store is reached often enough that no other server takes this one for dead."),
  vipr_overlay_links: gauge("Other nodes with an open link."),
  vipr_overlay_share: gauge("The part of the ring that this node answers for, 0 to 1."),
  vipr_overlay_configuration_sequence: gauge("Sequence number of the overlay's document in force."),
  vipr_overlay_stored: gauge("Entries that this node stores, by what it is for them.", ["role"], "stored data"),
  vipr_overlay_quota: gauge("Entries that this node may have in the overlay.", [], "quota"),
  vipr_overlay_quota_used: gauge("... and has there, its certificate included.", [], "quota used"),
  vipr_overlay_messages_total: counter("RELOAD messages, by what became of them.", ["what"]),
  vipr_overlay_refusals_total: counter("Stores and fetches of others that were refused here, by reason.", ["reason"]),
  // Servers
  vipr_vap_connections: gauge("Connections of call agents."),
  vipr_vap_sessions: gauge("Registered call agents.", [], "clients registered"),
  vipr_vap_vservices: gauge("VServices that are published."),
  vipr_vap_total: counter("What call agents did, by what it was: counters of VAP.", ["what"]),
  vipr_vcrs_total: counter("Call records that were uploaded, by direction.", ["direction", "tenant"]),
  vipr_vcrs_terminating: gauge("Received calls that others may validate.", [], "terminating VCRs"),
  vipr_validations_pending: gauge("Calls that wait for their validation.", [], "validations pending"),
  vipr_validations_under_way: gauge("Calls that are being validated."),
  vipr_calls_not_validated_total: counter("Sent calls that were not validated, by reason.", ["reason", "tenant"]),
  vipr_look_ups_total: counter("Numbers looked for in the overlay, by result.", ["result", "tenant"]),
  vipr_attempts_total: counter("Claimants asked to prove a call, by method of PVP and verdict.", [
    "method",
    "verdict",
    "tenant",
  ]),
  vipr_proofs_total: counter("Proofs that count.", ["tenant"]),
  vipr_pvp_total: counter("What originators did here, by what it was: counters of PVP.", ["what"]),
  vipr_routes_learned_total: counter("Routes that call agents were told of.", ["tenant"], "routes learned"),
  vipr_routes_unwelcome_total: counter("Proved routes that no call agent wanted.", ["tenant"], "routes rejected"),
  vipr_route_domains: gauge(
    "Different domains of routes learned since the start; 10,000 are told apart.",
    ["tenant"],
    "unique domains",
  ),
  vipr_tickets_granted_total: counter("Tickets granted.", ["tenant"]),
  vipr_tickets_declined_total: counter("Proofs that got no ticket, by PVP's code.", ["code", "tenant"]),
  vipr_numbers_published_total: counter(
    "Numbers stored in the overlay, by result.",
    ["result", "tenant"],
    "routes published",
  ),
  // Call agents and border elements
  vipr_calls_under_way: gauge("Calls that are up or being set up.", ["program"]),
  vipr_calls_total: counter(
    "What became of calls and messages: the counters of vipr calls --json.",
    ["program", "what"],
    "calls attempted, accepted, received, set up; set-ups failed; fallback calls failed",
  ),
  vipr_call_reasons_total: counter("The reasons of vipr calls --json, by question.", ["program", "question", "reason"]),
  vipr_agent_routes: gauge("Routes that the call agent knows."),
  vipr_agent_records_waiting: gauge("Call records that wait for the ViPR server."),
} as const satisfies Readonly<Record<`vipr_${string}`, Metric>>;

export type MetricName = keyof typeof METRICS;

export const family = (name: MetricName, samples: ReadonlyArray<Sample>): Family => {
  const { type, help } = METRICS[name];
  return { name, type, help, samples };
};

/** One number without labels. */
export const single = (name: MetricName, value: number): Family => family(name, [{ value }]);

/** A number for each key of a record, under one label. */
export const each = (
  name: MetricName,
  label: string,
  of: Readonly<Record<string, number | undefined>>,
  labels: Readonly<Record<string, string>> = {},
): Family =>
  family(
    name,
    Object.entries(of).flatMap(([key, value]) =>
      value === undefined ? [] : [{ labels: { ...labels, [label]: key }, value }],
    ),
  );
