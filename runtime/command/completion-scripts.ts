/** The scripts that bash, zsh and fish read. */
import type { CompletedOption, Completes, Place } from "./completion.ts";

/** In single quotes, for all three. A text's own apostrophe is one of typography: none ends the quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", "’").replaceAll("\\", "/")}'`;

const keyOf = ({ command, order }: Place): string => (order === undefined ? command : `${command} ${order}`);
const commandsOf = (places: ReadonlyArray<Place>): ReadonlyArray<Place> =>
  places.filter(({ order }) => order === undefined);
const flagsOf = (options: ReadonlyArray<CompletedOption>): string => options.map(({ name }) => `--${name}`).join(" ");
/** Options with a value, which no order can be. */
const valuedOf = (places: ReadonlyArray<Place>): string =>
  [
    ...new Set(
      places
        .flatMap(({ options }) => options.filter(({ value }) => value !== undefined))
        .map(({ name }) => `--${name}`),
    ),
  ].join("|");

/** As the words of a `case`: what follows the option `previous`, place by place. */
const valueCases = (places: ReadonlyArray<Place>, act: (value: Completes) => string): string =>
  places
    .flatMap((place) =>
      place.options.flatMap(({ name, value }) =>
        value === undefined ? [] : [`      "${keyOf(place)} --${name}") ${act(value)} ;;`],
      ),
    )
    .join("\n");

/** Where the cursor is, in bash and zsh alike: `key` is `COMMAND` or `COMMAND ORDER`. */
const scan = (places: ReadonlyArray<Place>): string => `  local command="" key="" skip="" word
  for word in "\${before[@]}"; do
    if [[ -n $skip ]]; then skip=""; continue; fi
    case "$word" in
      ${valuedOf(places)}) skip=1 ;;
      -*) ;;
      *)
        if [[ -z $command ]]; then command=$word; key=$word
        else case "$command $word" in
          ${places
            .filter(({ order }) => order !== undefined)
            .map((place) => `"${keyOf(place)}"`)
            .join("|")}) [[ $key == "$command" ]] && key="$command $word" ;;
        esac; fi ;;
    esac
  done`;

export const bashScript = (places: ReadonlyArray<Place>): string => {
  const act = (value: Completes): string =>
    value === "file"
      ? 'compopt -o filenames 2>/dev/null; IFS=$newline; COMPREPLY=($(compgen -f -- "$cur"))'
      : value === "directory"
        ? 'compopt -o filenames 2>/dev/null; IFS=$newline; COMPREPLY=($(compgen -d -- "$cur"))'
        : value === "none"
          ? ":"
          : `COMPREPLY=($(compgen -W ${quoted(value.join(" "))} -- "$cur"))`;
  return `# bash completion for vipr, from: vipr completion bash
_vipr() {
  local IFS=$' \\t\\n' newline=$'\\n' cur="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local -a before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
  COMPREPLY=()
${scan(places)}
  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W ${quoted(
      `${commandsOf(places)
        .map(({ command }) => command)
        .join(" ")} --help --version`,
    )} -- "$cur"))
    return
  fi
  if [[ -n $skip ]]; then
    case "$key $previous" in
${valueCases(places, act)}
    esac
    return
  fi
  if [[ $cur == -* ]]; then
    case "$key" in
${places.map((place) => `      "${keyOf(place)}") COMPREPLY=($(compgen -W ${quoted(flagsOf(place.options))} -- "$cur")) ;;`).join("\n")}
    esac
    return
  fi
  case "$key" in
${places.map((place) => `      "${keyOf(place)}") ${act(place.words)} ;;`).join("\n")}
  esac
}
complete -F _vipr vipr
`;
};

export const zshScript = (places: ReadonlyArray<Place>): string => {
  const described = (rows: ReadonlyArray<readonly [string, string]>): string =>
    rows.map(([name, text]) => quoted(`${name.replaceAll(":", "\\:")}:${text}`)).join(" ");
  const act = (value: Completes): string =>
    value === "file"
      ? "_files"
      : value === "directory"
        ? "_files -/"
        : value === "none"
          ? ":"
          : `compadd -- ${value.join(" ")}`;
  const orders = (place: Place) =>
    places
      .filter(({ command, order }) => command === place.command && order !== undefined)
      .map(({ order, text }) => [order!, text] as const);
  const next = (place: Place): string =>
    place.order === undefined && orders(place).length > 0
      ? `rows=(${described(orders(place))}); _describe order rows`
      : act(place.words);
  return `#compdef vipr
# zsh completion for vipr, from: vipr completion zsh
_vipr() {
  local cur="\${words[CURRENT]}" previous="\${words[CURRENT-1]}"
  local -a rows before=("\${(@)words[2,CURRENT-1]}")
${scan(places)}
  if [[ -z $command ]]; then
    rows=(${described(commandsOf(places).map(({ command, text }) => [command, text] as const))})
    _describe command rows
    return
  fi
  if [[ -n $skip ]]; then
    case "$key $previous" in
${valueCases(places, act)}
    esac
    return
  fi
  if [[ $cur == -* ]]; then
    case "$key" in
${places.map((place) => `      "${keyOf(place)}") rows=(${described(place.options.map(({ name, text }) => [`--${name}`, text] as const))}); _describe -o option rows ;;`).join("\n")}
    esac
    return
  fi
  case "$key" in
${places.map((place) => `      "${keyOf(place)}") ${next(place)} ;;`).join("\n")}
  esac
}
compdef _vipr vipr
`;
};

export const fishScript = (places: ReadonlyArray<Place>): string => {
  const names = commandsOf(places).map(({ command }) => command);
  const lines = places.flatMap((place) => {
    const { command, order, text, words, options } = place;
    const own = places.filter((one) => one.command === command && one.order !== undefined).map((one) => one.order!);
    const at = order === undefined ? `__vipr_at ${command}` : `__vipr_at ${command} ${order}`;
    const isListed = order === undefined && own.length > 0;
    return [
      ...(order === undefined
        ? [`complete -c vipr -n __vipr_first -a ${command} -d ${quoted(text)}`]
        : [`complete -c vipr -n ${quoted(`__vipr_at ${command}`)} -a ${order} -d ${quoted(text)}`]),
      ...(isListed || words === "none"
        ? []
        : [
            `complete -c vipr -n ${quoted(at)} ${words === "file" ? "-F" : words === "directory" ? "-a '(__fish_complete_directories)'" : `-a ${quoted(words.join(" "))}`}`,
          ]),
      ...options.map(
        ({ name, text, value }) => `complete -c vipr -n ${quoted(at)} -l ${name}${fishValue(value)} -d ${quoted(text)}`,
      ),
    ];
  });
  return `# fish completion for vipr, from: vipr completion fish
function __vipr_words
    set -l skip
    for word in (commandline -opc)[2..-1]
        if test -n "$skip"
            set skip
            continue
        end
        switch $word
            case ${valuedOf(places).replaceAll("|", " ")}
                set skip 1
            case '-*'
            case '*'
                echo $word
        end
    end
end
function __vipr_first
    test (count (__vipr_words)) -eq 0
end
function __vipr_at
    set -l words (__vipr_words)
    test (count $words) -gt 0; and test $words[1] = $argv[1]; or return 1
    set -l orders
    switch $argv[1]
${names
  .map((name) => {
    const own = places
      .filter(({ command, order }) => command === name && order !== undefined)
      .map(({ order }) => order);
    return own.length === 0 ? "" : `        case ${name}\n            set orders ${own.join(" ")}\n`;
  })
  .join("")}    end
    set -l order ''
    if test (count $words) -gt 1; and contains -- $words[2] $orders
        set order $words[2]
    end
    test "$order" = "$argv[2]"
end
complete -c vipr -f
complete -c vipr -n __vipr_first -l help -d 'all commands'
complete -c vipr -n __vipr_first -l version -d 'which version this is'
${lines.join("\n")}
`;
};

const fishValue = (value: Completes | undefined): string => {
  if (value === undefined) return "";
  if (value === "file") return " -r -F";
  if (value === "directory") return " -x -a '(__fish_complete_directories)'";
  return value === "none" ? " -x" : ` -x -a ${quoted(value.join(" "))}`;
};
