/** What `vipr simulate federation --help` says. */
export const MINUTES = 10;
export const MINUTES_MAX = 100_000;
export const SEED_MAX = 2 ** 31 - 1;
export const SEEDS_MAX = 10_000_000;

export const FEDERATION_HELP = `vipr simulate federation: companies, an overlay, calls, faults and adversaries, all from one seed, on virtual time

usage: vipr simulate federation [options]

  --seed N         what is drawn: companies, calls, faults, adversaries, each delay (default 1)
  --minutes M      simulated, before all is left to come to rest (default ${MINUTES})
  --seeds K        so many federations, of seeds N, N + 1 ... (default 1)
  --nightly        one federation after another until Ctrl-C
  --trace FILE     the file for the run, or for its violation shrunk to the least that still fails
                   (default: vipr-federation-SEED.trace, written on a violation alone)
  --no-shrink      keep a violation as it was found
  --json           a line for each federation, and as the last one the verdict of all:
                   {"verdict":"held","checker":null,"calls":n,"simulatedMinutes":M,"seconds":x,"trace":null,...}
  --help           this text

checkers: route, ticket, acknowledged, ring, call, leak, defect (docs/simulation.md says what each asks for).
vipr replay FILE plays a trace again, and draws it as a ladder.

Exit codes: 0 every checker held, 1 one was violated, 2 bad options or a file that cannot be written, 130 ended by Ctrl-C
before the first verdict.
`;
