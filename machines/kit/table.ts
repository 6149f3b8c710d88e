/**
 * A machine printed as its transition table: state x event -> target, orders.
 * The text is committed under properties/tables, so that a change of behaviour is a change one can read.
 */
import type { AnyStateMachine } from "xstate";
import { DECIDES } from "./machine.ts";

export const tableOf = (logic: AnyStateMachine): string => {
  const rows: Array<readonly [string, string, string, string]> = [];
  for (const node of nodesOf(logic.root as any)) {
    const state = node.path.join(".") || "(any)";
    for (const order of node.entry ?? []) rows.push([state, "(entry)", "", nameOf(order)]);
    for (const order of node.exit ?? []) rows.push([state, "(exit)", "", nameOf(order)]);
    for (const t of node.always ?? [])
      rows.push([state, `(always)${guardOf(t)}`, targetOf(t), t.actions.map(nameOf).join(", ")]);
    for (const list of node.transitions.values())
      for (const t of list) {
        rows.push([state, `${t.eventType}${guardOf(t)}`, targetOf(t), t.actions.map(nameOf).join(", ")]);
      }
    if (node.type === "final") rows.push([state, "(final)", "", ""]);
  }
  return layOut(["state", "event", "target", "orders"], rows);
};

const guardOf = (t: any): string => (t.guard === undefined ? "" : " [guarded]");
const targetOf = (t: any): string => (t.target ?? []).map((n: any) => n.path.join(".")).join(", ");

const nodesOf = (node: any): Array<any> => [node, ...Object.values(node.states).flatMap(nodesOf)];

const nameOf = (order: any): string => (order.type === DECIDES ? "(decides)" : (order.type ?? "?"));

const layOut = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const width = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: ReadonlyArray<string>) =>
    cells
      .map((cell, i) => cell.padEnd(width[i]!))
      .join("  ")
      .trimEnd();
  return `${[line(head), line(width.map((n) => "-".repeat(n))), ...rows.map(line)].join("\n")}\n`;
};
