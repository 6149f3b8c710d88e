/** The tables of `vipr routes`, `vipr numbers` and `vipr calls`: what running programs have by telephone number. */
import { LISTED_CODES, LISTED_OPTIONS, listedOrders, WATCH_OPTIONS } from "../shared.ts";
import { table } from "../spec.ts";

const ORDERS_USAGE = [
  "list [--config FILE | --data DIR] [--json]",
  "show|disable|enable|forget NUMBER [--config FILE | --data DIR] [--json]",
];

export const routesTable = table({
  name: "routes",
  summary: "the routes that the call agent knows, one switched off or forgotten",
  usage: ORDERS_USAGE,
  options: LISTED_OPTIONS,
  words: [1, 2],
  orders: listedOrders("routes", {
    list: 'each route: number, domain, until when its ticket is good; "off" where it is switched off',
    show: "the route of one number, with its SIP URIs",
    disable: "calls to a number take the telephone network from now on, also after a restart",
    enable: "switches the route on again",
    forget: "removes the route; it comes back when it is proved again",
  }),
  notes: "Without --data it is the call agent's directory of the configuration, agent.data.",
  examples: [
    { text: "all routes", line: "vipr routes list --config /etc/vipr/vipr.toml" },
    { text: "a number's calls take the telephone network", line: "vipr routes disable +49305550901" },
  ],
  codes: LISTED_CODES,
});

export const numbersTable = table({
  name: "numbers",
  summary: "the numbers that the server publishes, one switched off or withdrawn",
  usage: ORDERS_USAGE,
  options: LISTED_OPTIONS,
  words: [1, 2],
  orders: listedOrders("numbers", {
    list: 'each number: its domain, until when the overlay stores it; "off" where it is switched off',
    show: "one number, with its VService",
    disable: "takes a number out of the overlay and grants no ticket for it, also after a restart",
    enable: "publishes it again",
    forget: "takes a number out of the overlay; it comes back when a call agent publishes it again",
  }),
  notes: "Without --data it is the ViPR server's directory of the configuration, server.data.",
  examples: [
    { text: "all numbers", line: "vipr numbers list --config /etc/vipr/vipr.toml" },
    { text: "a number that nobody is to reach over the Internet", line: "vipr numbers disable +49305550901" },
  ],
  codes: LISTED_CODES,
});

export const callsTable = table({
  name: "calls",
  summary: "the calls under way in agent and border element, and those that wait for their validation",
  usage: [
    "[--config FILE | --data DIR | --admin HOST:PORT] [--json] [--watch]",
    "list [--config FILE | --data DIR] [--json]",
    "show|disable|enable|forget NUMBER [--config FILE | --data DIR] [--json]",
  ],
  about: `It shows each call with direction, trunk, masked numbers and time; how many calls took the telephone network although
there was a route, by reason; and the messages that could not be read, with their place and reason. Calls over the
Internet are the border element's. The orders are about calls that wait at the ViPR server until they are validated.`,
  options: {
    ...LISTED_OPTIONS,
    admin: { type: "string", value: "HOST:PORT", text: "the admin port of the program to ask" },
    ...WATCH_OPTIONS,
  },
  words: [0, 2],
  orders: listedOrders("calls", {
    list: "each number that was called: how many calls to it wait, and when the next one is due",
    show: "those of one number",
    disable: "calls to a number are dropped when they are due, also after a restart",
    enable: "they are validated again",
    forget: "removes those that wait",
  }),
  notes: `Without --data it is agent.data and the border element's directory of the configuration, for an order server.data.
With --json the calls are one object {"version":1,"programs":[...]}; docs/operator.md names the fields.`,
  examples: [
    { text: "every two seconds", line: "vipr calls --config /etc/vipr/vipr.toml --watch" },
    { text: "what waits for its validation", line: "vipr calls list" },
  ],
  codes: { ...LISTED_CODES, fault: "an order found nothing to do" },
});
