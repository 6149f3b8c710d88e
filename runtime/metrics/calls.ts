/** The report of a program that carries calls, call agent or border element, as metrics. */
import type { CallsReport } from "../../actors/admin/mod.ts";
import { each, family } from "./table.ts";
import type { Family } from "./text.ts";

export const callsFamilies = ({ program, underWay, counters, reasons }: CallsReport): ReadonlyArray<Family> => [
  family("vipr_calls_under_way", [{ labels: { program }, value: underWay }]),
  each("vipr_calls_total", "what", counters, { program }),
  family(
    "vipr_call_reasons_total",
    Object.entries(reasons).flatMap(([question, of]) =>
      Object.entries(of).map(([reason, value]) => ({ labels: { program, question, reason }, value })),
    ),
  ),
];
