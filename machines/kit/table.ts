/**
 * A machine printed as its transition table: state x event [guard] -> target, orders.
 * The text is committed under properties/tables, so that a change of behaviour is a change one can read. The orders of a
 * decision are those that it may give; the compiler sees to it that it gives no others.
 */
import { type Actions, isDeed, listOf } from "./chart.ts";
import { type AnyTransition, type Node, nameOf, type Tree } from "./tree.ts";

/** One transition, as the table of a machine prints it. */
export interface TableRow {
  /** Path of the state; "(any)" for the machine itself. */
  readonly state: string;
  /** Type of the event, `timerFired` with its timer, or (entry), (exit), (always), (final). */
  readonly event: string;
  /** Name of the guard; "guarded" where it has none; undefined where there is no guard. */
  readonly guard: string | undefined;
  readonly target: string;
  /** Types of the orders that may be given, in the order of the actions; those in brackets are decided on. */
  readonly orders: ReadonlyArray<string>;
}

export const rowsOf = ({ root, byName }: Tree): ReadonlyArray<TableRow> =>
  [root, ...byName.values()].flatMap((node) => rowsOfNode(node, byName));

const rowsOfNode = (node: Node, byName: ReadonlyMap<string, Node>): ReadonlyArray<TableRow> => {
  const state = node.path.join(".") || "(any)";
  const row = (event: string, given: Pick<AnyTransition, "guard" | "target" | "actions">): TableRow => ({
    state,
    event,
    guard: given.guard === undefined ? undefined : (nameOf(given.guard.name) ?? "guarded"),
    target: given.target === undefined ? "" : byName.get(given.target)!.path.join("."),
    orders: listOf(given.actions as Actions<any, any, any>).flatMap(ordersOf),
  });
  const { entry, exit, always, timers = {}, on = {} } = node.state as any;
  const all = (event: string, given: unknown) => listOf(given as AnyTransition).map((one) => row(event, one));
  return [
    ...(entry === undefined ? [] : [row("(entry)", { actions: entry })]),
    ...(exit === undefined ? [] : [row("(exit)", { actions: exit })]),
    ...all("(always)", always),
    ...Object.entries(timers).flatMap(([timer, given]) => all(`timerFired ${timer}`, given)),
    ...Object.entries(on).flatMap(([type, given]) => all(type, given)),
    ...(node.isFinal ? [row("(final)", {})] : []),
  ];
};

const ordersOf = (action: object): ReadonlyArray<string> => {
  if (!isDeed(action)) return [(action as { readonly type: string }).type];
  if (action.isCertain === true) return action.orders;
  return action.orders.length === 0 ? [] : [`(${action.orders.join(", ")})`];
};

/** The transition table as text: a line for each state, event and guard, with target and orders. */
export const tableOf = ({ table }: { readonly table: ReadonlyArray<TableRow> }): string =>
  layOut(
    ["state", "event", "target", "orders"],
    table.map(({ state, event, guard, target, orders }) => [
      state,
      guard === undefined ? event : `${event} [${guard}]`,
      target,
      orders.join(", "),
    ]),
  );

const layOut = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const width = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: ReadonlyArray<string>) =>
    cells
      .map((cell, i) => cell.padEnd(width[i]!))
      .join("  ")
      .trimEnd();
  return `${[line(head), line(width.map((n) => "-".repeat(n))), ...rows.map(line)].join("\n")}\n`;
};
