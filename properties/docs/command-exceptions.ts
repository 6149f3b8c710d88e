/** Commands that pages show and no test runs as they stand, each with its reason. properties/docs/commands.test.ts. */

export type Why =
  | "changesTheMachine" // installs, makes users, wants root or a service manager
  | "anotherProgram" // a peer or a service that this machine need not have
  | "takesMinutes"
  | "runsThisTest"
  | "ofTheText"; // wants what a page cannot have, a folder of texts
export interface Exception {
  readonly page: string;
  /** What the command begins with. */
  readonly start: string;
  readonly why: Why;
  /** What does it instead: a file, and what stands in it. */
  readonly instead?: readonly [file: string, text: string];
}

export const EXCEPTIONS: ReadonlyArray<Exception> = [
  ...["npm install --global", "useradd", "install -", "systemctl"].map((start) => ({
    page: "docs/deploy/README.md",
    start,
    why: "changesTheMachine" as const,
    instead: ["properties/interop/deploy.interop.ts", "systemd"] as const,
  })),
  {
    page: "docs/deploy/README.md",
    start: "npm pack",
    why: "anotherProgram",
    instead: ["properties/package/run.ts", "pack"],
  },
  { page: "docs/deploy/README.md", start: "podman", why: "anotherProgram" },
  { page: "docs/embedding.md", start: "npm pack", why: "takesMinutes", instead: ["properties/package/run.ts", "pack"] },
  {
    page: "docs/embedding.md",
    start: "npm install",
    why: "takesMinutes",
    instead: ["properties/package/run.ts", "install"],
  },
  {
    page: "docs/embedding.md",
    start: "npx esbuild",
    why: "takesMinutes",
    instead: ["properties/package/checks.ts", "npx esbuild"],
  },
  {
    page: "docs/fuzzing.md",
    start: "npm install",
    why: "takesMinutes",
    instead: ["properties/package/run.ts", "install"],
  },
  {
    page: "docs/fuzzing.md",
    start: "npx vipr fuzz",
    why: "takesMinutes",
    instead: ["properties/package/fuzz.ts", "docs/fuzzing.md"],
  },
  ...["vipr server domain-secret", "vipr ticket serve", "kamailio"].map((start) => ({
    page: "docs/integrations/kamailio-border.md",
    start,
    why: "anotherProgram" as const,
    instead: ["properties/interop/kamailio-border.interop.ts", "kamailio-border.cfg"] as const,
  })),
  {
    page: "docs/mutants.md",
    start: "npm run mutants",
    why: "takesMinutes",
    instead: ["properties/mutants/table.test.ts", "mutant"],
  },
  {
    page: "docs/operator.md",
    start: "createdb",
    why: "anotherProgram",
    instead: ["properties/kit/postgres.ts", "postgres"],
  },
  {
    page: "docs/operator.md",
    start: "vipr server --data ./acme --store",
    why: "anotherProgram",
    instead: ["properties/crash/run.ts", "postgres"],
  },
  {
    page: "docs/operator.md",
    start: "rtpengine",
    why: "anotherProgram",
    instead: ["properties/interop/relays.ts", "--listen-ng"],
  },
  {
    page: "docs/simulation.md",
    start: "vipr simulate overlay",
    why: "takesMinutes",
    instead: ["properties/simulation/run.ts", '"overlay"'],
  },
  {
    page: "docs/simulation.md",
    start: "vipr simulate federation",
    why: "takesMinutes",
    instead: ["properties/federation/command.test.ts", '"federation"'],
  },
  {
    page: "docs/simulation.md",
    start: "vipr replay",
    why: "takesMinutes",
    instead: ["properties/federation/command.test.ts", '"replay"'],
  },
  {
    page: "docs/specification.md",
    start: "npm run spec -- --against",
    why: "ofTheText",
    instead: ["properties/spec/spec.test.ts", "spec"],
  },
  { page: "docs/verification.md", start: "npm run ok", why: "runsThisTest" },
  { page: "docs/verification.md", start: "bash .ci/run", why: "runsThisTest" },
  { page: "docs/verification.md", start: "tail", why: "runsThisTest" },
];
