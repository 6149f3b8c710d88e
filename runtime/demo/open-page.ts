/** The demonstration's page in the visitor's browser: at once where that is asked for, else when Enter is pressed on a terminal. */
import { spawn } from "node:child_process";
import process from "node:process";
import { Effect, type Scope } from "effect";
import { complain } from "../cli/output.ts";
import type { DemoOptions } from "./options.ts";
import type { PrintingListener } from "./printing.ts";

type Offer = (page: string) => string;

const OPENERS: Readonly<Record<string, string>> = { darwin: "open", linux: "xdg-open" };

/** The token stays out of the other program's arguments, which everybody on the machine can read: the page asks for it. */
const show = (page: string): void => {
  const address = page.replace(/#.*$/, "#story");
  const failed = () => complain(`no browser could be started: open ${address} in one`);
  const child = spawn(OPENERS[process.platform] ?? "xdg-open", [address], { stdio: "ignore", detached: true });
  child.once("error", failed);
  child.unref();
};

/** Gives what is said of it behind the page's address. */
export const openOffer = ({ open, once, json }: DemoOptions): Effect.Effect<Offer, never, Scope.Scope> => {
  if (open)
    return Effect.succeed((page) => {
      show(page);
      return "";
    });
  if (once || json || process.stdin.isTTY !== true || process.stdout.isTTY !== true) return Effect.succeed(() => "");
  let address: string | undefined;
  const pressed = () => {
    if (address !== undefined) show(address);
  };
  const listening = Effect.acquireRelease(
    Effect.sync(() => process.stdin.on("data", pressed).resume()),
    () =>
      Effect.sync(() => {
        process.stdin.off("data", pressed).pause();
      }),
  );
  return Effect.as(listening, (page: string) => {
    address = page;
    return " (Enter opens it in the browser)";
  });
};

export const withOffer = (listener: PrintingListener, offer: Offer): PrintingListener => ({
  ...listener,
  phase: (name, detail, page) => listener.phase(name, page === undefined ? detail : `${detail}${offer(page)}`, page),
});
