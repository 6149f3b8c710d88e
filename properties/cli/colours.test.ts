/** Colours of `vipr doctor` and `vipr status`: on a terminal, where they are asked for, and nowhere else; the words stay. */
import { ok, deepStrictEqual as same } from "node:assert";
import net from "node:net";
import { unknown, verdictPaint, verdictText, warning } from "../../runtime/cli/doctor-finding.ts";
import { exitCode } from "../../runtime/cli/exit.ts";
import { statusPaint } from "../../runtime/cli/status-text.ts";
import { painted } from "../../runtime/command/style.ts";
import { test, testWith } from "../kit/harness.ts";
import { freePort } from "../kit/ports.ts";
import { HOST } from "./one-server.ts";
import { vipr, withFolder } from "./processes.ts";
import { onTerminal } from "./terminal.ts";

const viprWith = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  vipr(args, undefined, undefined, undefined, env);
const ESC = "\u001b[";

test("colours: a verdict is painted at the begin of its line alone, and so is a program's state", () => {
  const paint = (text: string) => painted(text, verdictPaint);
  same(
    paint(verdictText(warning("clock", "good FAULT", "chronyc"))),
    `${ESC}33mWARNING${ESC}0m clock: good FAULT\n        -> chronyc`,
  );
  same(paint(verdictText(unknown("x", "y"))), `${ESC}2munknown${ESC}0m x: y`);
  same(paint("goodness"), "goodness");
  const shown = painted("server   ready, up 0 min\n  log         vipr.ready 1\nagent    NOT READY: vap", statusPaint);
  same(
    shown,
    `server   ${ESC}32mready${ESC}0m, up 0 min\n  log         vipr.ready 1\nagent    ${ESC}31mNOT READY${ESC}0m: vap`,
  );
});

testWith("script", "colours: doctor on a terminal, with NO_COLOR, with --json, and into a pipe", async () => {
  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const there = `${HOST}:${(server.address() as net.AddressInfo).port}`;
  const nobody = `${HOST}:${await freePort()}`;
  const [shown, well, ill, plain, json, pipe, forced, file] = await Promise.all([
    onTerminal(["doctor", "--reach", there]),
    onTerminal(["doctor", "--reach", there], { behind: "2>/dev/null" }),
    onTerminal(["doctor", "--reach", nobody], { behind: "2>/dev/null" }),
    onTerminal(["doctor", "--reach", nobody], { env: { NO_COLOR: "1" }, behind: "2>/dev/null" }),
    onTerminal(["doctor", "--reach", there, "--json"], { env: { FORCE_COLOR: "1" }, behind: "2>/dev/null" }),
    viprWith(["doctor", "--reach", there], { NO_COLOR: "" }),
    viprWith(["doctor", "--reach", there], { NO_COLOR: "", FORCE_COLOR: "1" }),
    onTerminal(["doctor", "--reach", there], { behind: "2>/dev/null | cat" }),
  ]);
  server.close();
  same([well.code, well.seen], [0, `${ESC}32mgood${ESC}0m    ${there}: can be reached from this machine\r\n`]);
  const waiting = `connecting to ${there} ...`;
  same(shown.seen, `\r${waiting}\r${" ".repeat(waiting.length)}\r${well.seen}`);
  same(ill.code, exitCode.unreachable, ill.seen);
  ok(ill.seen.startsWith(`${ESC}31mFAULT${ESC}0m   ${nobody}: `), ill.seen);
  ok(plain.seen.startsWith(`FAULT   ${nobody}: `) && !plain.seen.includes(ESC), plain.seen);
  same([JSON.parse(json.seen).exitCode, json.seen.includes(ESC)], [0, false]);
  const words = `good    ${there}: can be reached from this machine\n`;
  same([pipe.code, pipe.out], [0, words]);
  same(file.seen, words.replace("\n", "\r\n"));
  ok(forced.out.startsWith(`${ESC}32mgood${ESC}0m    `), forced.out);
});

testWith("script", "colours: status on a terminal and into a pipe", () =>
  withFolder(async (root) => {
    const [terminal, json, pipe] = await Promise.all([
      onTerminal(["status", "--data", root], { behind: "2>/dev/null" }),
      onTerminal(["status", "--data", root, "--json"], { behind: "2>/dev/null" }),
      viprWith(["status", "--data", root], { NO_COLOR: "" }),
    ]);
    same([terminal.code, pipe.code], [exitCode.unreachable, exitCode.unreachable]);
    same(pipe.out, `server   does not run here (${root})\n`);
    same(terminal.seen, `server   ${ESC}31mdoes not run${ESC}0m here (${root})\r\n`);
    same([JSON.parse(json.seen).programs[0].ready, json.seen.includes(ESC)], [false, false]);
  }),
);
