/** The completion scripts in the shells themselves: what each offers at a place on the command line. */
import { ok, deepStrictEqual as same } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { placesOf } from "../../runtime/command/completion.ts";
import { bashScript, fishScript, zshScript } from "../../runtime/command/completion-scripts.ts";
import { TABLES, tableOf } from "../../runtime/command/tables.ts";
import { test, testWith } from "../kit/harness.ts";

const places = placesOf(TABLES);
const names = TABLES.map(({ name }) => name);

/** What is typed, and what is offered: by all three. */
const CASES: ReadonlyArray<readonly [line: string, offered: ReadonlyArray<string>]> = [
  ["vipr se", ["server"]],
  ["vipr ro", ["routes"]],
  ["vipr node ", ["publish", "withdraw", "find"]],
  ["vipr node pub", ["publish"]],
  ["vipr node --data x publish --v", ["--verbose", "--vservice"]],
  ["vipr server --pvp-group ", ["2048", "3072", "4096"]],
  ["vipr server --pvp-group 3072 add-d", ["add-domain"]],
  ["vipr server add-domain a.example --pr", ["--private"]],
  ["vipr completion ", ["bash", "zsh", "fish"]],
  ["vipr status --qu", ["--quiet"]],
  ["vipr vcr import FOLDER/Mas", ["FOLDER/Master.csv"]],
  ["vipr node --data FOLDER/no", ["FOLDER/node"]],
  ["vipr node --listen ", []],
];

const within = (folder: string, [line, offered]: (typeof CASES)[number]) => ({
  line: line.replace("FOLDER", folder),
  offered: offered.map((one) => one.replace("FOLDER", folder)).sort(),
});

const withFiles = (work: (folder: string) => void): void => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-completion-"));
  try {
    writeFileSync(join(folder, "Master.csv"), "");
    execFileSync("mkdir", [join(folder, "node")]);
    work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const run = (file: string, args: ReadonlyArray<string>): string =>
  execFileSync(file, args, { encoding: "utf8", timeout: 60_000, stdio: ["ignore", "pipe", "pipe"] });

test("completion: each place of the tables, once", () => {
  const orders = TABLES.flatMap((of) => Object.keys(of.orders ?? {}));
  same(places.length, names.length + orders.length);
  same(places.find(({ command, order }) => command === "help" && order === undefined)!.words, names);
  const node = places.find(({ command, order }) => command === "node" && order === "find")!;
  same(
    node.options.map(({ name }) => name),
    [...tableOf("node")!.orders!.find!.options, "help"],
  );
});

testWith("bash", "completion: bash", async () => {
  withFiles((folder) => {
    const script = join(folder, "vipr.bash");
    writeFileSync(script, bashScript(places));
    for (const one of CASES) {
      const { line, offered } = within(folder, one);
      const program =
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _vipr; printf "%s\\n" "${COMPREPLY[@]}"';
      const out = run("bash", ["--norc", "-c", program, "bash", script, ...line.split(" ")]);
      same(linesOf(out).sort(), offered, line);
    }
    const bound = run("bash", ["--norc", "-c", 'source "$1"; complete -p vipr', "bash", script]);
    ok(bound.includes("-F _vipr vipr"), bound);
  });
});

testWith("fish", "completion: fish", async () => {
  withFiles((folder) => {
    const script = join(folder, "vipr.fish");
    writeFileSync(script, fishScript(places));
    for (const one of CASES) {
      const { line, offered } = within(folder, one);
      const out = run("fish", ["--no-config", "-c", `source ${script}; complete -C '${line}'`]);
      const found = linesOf(out).map((row) => row.split("\t")[0]!.replace(/\/$/, ""));
      same(found.sort(), offered, line);
    }
  });
});

testWith("zsh", "completion: zsh", async () => {
  withFiles((folder) => {
    const script = join(folder, "vipr.zsh");
    writeFileSync(script, zshScript(places));
    run("zsh", ["-n", script]);
    for (const one of CASES) {
      const { line, offered } = within(folder, one);
      same(linesOf(run("zsh", ["-f", "-c", ZSH, "zsh", script, folder, line])).sort(), offered, line);
    }
  });
});

const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");

/**
 * A zsh at a terminal of its own, in which the Tab key is pressed: `compadd` there writes what it would offer to a file, and the
 * shell ends behind that.
 */
const ZSH = `
zmodload zsh/zpty
cat > $2/inner.zsh <<'INNER'
PROMPT=
autoload -Uz compinit; compinit -u -d $FOLDER/dump
bindkey '^M' undefined
finish() { : > $FOLDER/done; exit }
comppostfuncs=(finish)
zstyle ':completion:*' insert-tab false
zmodload zsh/zutil
compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a __hits
  builtin compadd -A __hits "$@"
  local -A hpre apre
  zparseopts -E P:=apre p:=hpre
  local hit
  for hit in "\${__hits[@]}"; print -r -- "$IPREFIX\${apre[-P]}\${hpre[-p]}$hit" >> $FOLDER/offered
}
source $SCRIPT
print -r -- rea""dy
INNER
export FOLDER=$2 SCRIPT=$1
zpty z zsh -f -i
zpty -w z "source $2/inner.zsh"
zpty -r -m z line '*ready*'
zpty -w -n z "$3"$'\\t'
for i in {1..100}; do [[ -e $2/done ]] && break; sleep 0.05; done
[[ -e $2/offered ]] && sort -u $2/offered
zpty -d z 2>/dev/null
rm -f $2/offered $2/done
true
`;
