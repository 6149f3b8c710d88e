/** What `vipr fuzz --help` says. */
export const fuzzHelp = `vipr fuzz: looks for inputs that break a codec or a machine, ours or your own

usage: vipr fuzz TARGET [options]
       vipr fuzz --list
       vipr fuzz --replay FILE

TARGET is a name of --list, or module#export of your own: a machine of XState or of vipr/machines/kit,
a codec with decode and encode, or an object with one of them and what there is to say of it
(docs/fuzzing.md). Needs fast-check 4: npm install fast-check@4

  --runs N       runs of each law (1000; with --time as many as there is time for)
  --time T       at most so long: 90s, 10m, 8h
  --seed S       the same values again (default: another each time)
  --out FILE     where a counter-example goes (vipr-fuzz.json)
  --junit FILE   the laws as JUnit's XML, for continuous integration
  --json         one line of JSON in place of text
  --hang S       a run that takes longer is a counter-example (10 seconds)
  --replay FILE  the counter-example of an earlier run, again
  --list         our codecs and machines by name

SIGINT ends it with what was run. exit 0: all laws held; 1: a counter-example; 2: no such target or option
`;
