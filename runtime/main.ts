#!/usr/bin/env node
/** The `vipr` command. Each subcommand loads what it uses, and nothing else. */
import process from "node:process";
import { keepCode, whyNotHere } from "./cli/begin.ts";
import { complain, say } from "./cli/output.ts";

const HELP = `vipr: phone calls between companies over the Internet, found by phone number

usage: vipr COMMAND [options]

  authority  an overlay's root, its configuration, and its enrolment server
  node       a node of an overlay; also publishes and finds numbers
  server     a company's ViPR server, its call agents and its domains
  routes     the routes that the call agent knows, one switched off or forgotten
  numbers    the numbers that the server publishes, one switched off or withdrawn
  status     what the company's programs on this machine do, on one screen
  page       the address of their page, to watch them in a browser
  doctor     what is wrong with them, and what to do
  backup     what a server or a node keeps, in one file, while it runs
  restore    an empty store from such a file
  ring       a live overlay as one of its nodes sees it
  company    server, call agent and border element of a small company in one process
  agent      a company's call agent: a SIP proxy between its PBX and its trunks
  border     a company's border element, between its SIP network and the Internet
  calls      the calls under way in agent and border element, and what they count; those that wait for
             their validation, one number's switched off or forgotten
  vcr        call records of the exchange: reads files, follows them, uploads
  ticket     tickets by hand: mint, inspect, verify; and their check over HTTP
  config     the company's configuration, vipr.toml: what is wrong with it, what holds
  number     which number of the telephone network a text is, by the company's dial plan
  explain    why there is a route to a number, or none
  verify-call  one validation by hand, against a server that claims a number
  demo       three companies, two adversaries and a telephone network on this machine
  replay     a trace of the demo's machines or of a simulated federation, gone through again and compared
  simulate   an overlay of thousands of nodes, or whole federations, in one process, on virtual time
  fuzz       inputs that break a codec or a machine, ours or your own
  version    which version this is, as --version
  help       this text

vipr COMMAND --help tells a command's options, vipr COMMAND ORDER --help those of an order.
`;

const unfit = whyNotHere();
if (unfit !== undefined) {
  complain(unfit);
  process.exit(2);
}
keepCode();
const [command, ...args] = process.argv.slice(2);
switch (command) {
  case "authority": {
    const { authorityCommand } = await import("./cli/authority.ts");
    process.exit(await authorityCommand(args));
    break;
  }
  case "node": {
    const { nodeCommand } = await import("./cli/node.ts");
    process.exit(await nodeCommand(args));
    break;
  }
  case "server": {
    const { serverCommand } = await import("./cli/server.ts");
    process.exit(await serverCommand(args));
    break;
  }
  case "routes": {
    const { routesCommand } = await import("./cli/routes.ts");
    process.exit(await routesCommand(args));
    break;
  }
  case "numbers": {
    const { numbersCommand } = await import("./cli/numbers.ts");
    process.exit(await numbersCommand(args));
    break;
  }
  case "status": {
    const { statusCommand } = await import("./cli/status.ts");
    process.exit(await statusCommand(args));
    break;
  }
  case "page": {
    const { pageCommand } = await import("./cli/page.ts");
    process.exit(await pageCommand(args));
    break;
  }
  case "doctor": {
    const { doctorCommand } = await import("./cli/doctor.ts");
    process.exit(await doctorCommand(args));
    break;
  }
  case "backup": {
    const { backupCommand } = await import("./cli/backup.ts");
    process.exit(await backupCommand(args));
    break;
  }
  case "restore": {
    const { restoreCommand } = await import("./cli/backup.ts");
    process.exit(await restoreCommand(args));
    break;
  }
  case "ring": {
    const { ringCommand } = await import("./cli/ring.ts");
    process.exit(await ringCommand(args));
    break;
  }
  case "agent": {
    const { agentCommand } = await import("./cli/agent.ts");
    process.exit(await agentCommand(args));
    break;
  }
  case "border": {
    const { borderCommand } = await import("./cli/border.ts");
    process.exit(await borderCommand(args));
    break;
  }
  case "company": {
    const { companyCommand } = await import("./cli/company.ts");
    process.exit(await companyCommand(args));
    break;
  }
  case "calls": {
    const { callsCommand } = await import("./cli/calls.ts");
    process.exit(await callsCommand(args));
    break;
  }
  case "vcr": {
    const { vcrCommand } = await import("./cli/vcr.ts");
    process.exit(await vcrCommand(args));
    break;
  }
  case "ticket": {
    const { ticketCommand } = await import("./cli/ticket.ts");
    process.exit(await ticketCommand(args));
    break;
  }
  case "config": {
    const { configCommand } = await import("./cli/config.ts");
    process.exit(await configCommand(args));
    break;
  }
  case "number": {
    const { numberCommand } = await import("./cli/number.ts");
    process.exit(await numberCommand(args));
    break;
  }
  case "explain": {
    const { explainCommand } = await import("./cli/explain.ts");
    process.exit(await explainCommand(args));
    break;
  }
  case "verify-call": {
    const { verifyCallCommand } = await import("./cli/verify-call.ts");
    process.exit(await verifyCallCommand(args));
    break;
  }
  case "demo": {
    const { demoCommand } = await import("./demo/command.ts");
    process.exit(await demoCommand(args));
    break;
  }
  case "replay": {
    const { replayCommand } = await import("./replay.ts");
    process.exitCode = await replayCommand(args);
    break;
  }
  case "simulate": {
    const { simulateCommand } = await import("./simulate/command.ts");
    process.exitCode = await simulateCommand(args);
    break;
  }
  case "fuzz": {
    const { fuzzCommand } = await import("./cli/fuzz.ts");
    process.exit(await fuzzCommand(args, new URL("../properties/fuzz/thread.ts", import.meta.url)));
    break;
  }
  case "version":
  case "--version":
  case "-V": {
    const { versionText } = await import("./cli/version.ts");
    say(versionText());
    break;
  }
  case "help":
  case "--help":
  case "-h":
    say(HELP);
    break;
  default:
    complain(command === undefined ? HELP : `vipr: there is no command "${command}"\n\n${HELP}`);
    process.exit(2);
}
