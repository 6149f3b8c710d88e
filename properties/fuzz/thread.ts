/** The thread in which `vipr fuzz` runs its laws: what it is to do stands in its data, what comes of it goes to its parent. */
import { parentPort, workerData } from "node:worker_threads";
import type { FuzzOrder, FuzzReport } from "../../runtime/fuzz/protocol.ts";

const { order, shared } = workerData as { readonly order: FuzzOrder; readonly shared: Int32Array };
const tell = (report: FuzzReport): void => parentPort!.postMessage(report);

const obey = async (): Promise<void> => {
  const [{ lawsOfTarget }, { ownTargets }, { replayExample, runLaws, showExample }] = await Promise.all([
    import("./targets.ts"),
    import("./own.ts"),
    import("./engine.ts"),
  ]);
  if (order.type === "list") {
    tell({ type: "known", names: (await ownTargets()).map(({ name, what }) => ({ name, what })) });
    return;
  }
  const target = order.type === "run" ? order.target : order.example.target;
  const laws = await lawsOfTarget(target);
  const engine = { target, laws, shared, tell };
  tell({ type: "begun", laws: laws.map(({ name }) => name) });
  if (order.type === "run") await runLaws(engine, order);
  else if (order.type === "show") await showExample(engine, order.example);
  else await replayExample(engine, order.example);
  tell({ type: "ended" });
};

/** What a module says while it loads, or a generator that cannot be made, is the user's: it is said, and is no fault of ours. */
const whyOf = (cause: unknown): string =>
  String(cause).includes("'fast-check'") || String(cause).includes('"fast-check"')
    ? "vipr fuzz makes its values by fast-check, which is not here: npm install fast-check@4"
    : cause instanceof Error
      ? cause.message
      : String(cause);

await obey().catch((cause: unknown) => tell({ type: "unusable", why: whyOf(cause) }));
