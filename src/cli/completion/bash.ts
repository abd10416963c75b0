import { grouped } from "../../common/text.js";
import { type CommandOffer, firstWords, groups, type Offer } from "./tree.js";

/** Words that hold nothing which a shell reads otherwise, between double quotes. */
const quoted = (words: readonly string[]): string => `"${words.join(" ")}"`;

const spellings = (name: string, alias: string | undefined): string[] =>
  alias === undefined ? [`--${name}`] : [`--${name}`, `-${alias}`];

/** Places ("distill --model_s") by what is offered there. */
function placesByOffer(tree: readonly CommandOffer[]): [places: string[], offer: Offer][] {
  const all = tree.flatMap(({ name, flags }) =>
    flags.flatMap(({ name: flag, alias, value }) =>
      value ? spellings(flag, alias).map((typed) => ({ place: `${name} ${typed}`, offer: value })) : [],
    ),
  );
  const found = grouped(all, ({ offer }) => JSON.stringify(offer));
  return Array.from(found.values(), (those) => [those.map(({ place }) => place), (those[0] as { offer: Offer }).offer]);
}

const assignments = ({ words, paths }: Offer): string => `words=${quoted(words)} paths=${paths ?? ""} ;;`;

const caseOf = (places: readonly string[], then: string): string =>
  `    ${places.map((place) => `"${place}"`).join("|")}) ${then}`;

/** A completion script for bash 4.3 and newer. It splits the line itself: bash splits at the colons of run names. */
export function bashCompletion(tree: readonly CommandOffer[]): string {
  const commands = groups(tree).flatMap(([first, seconds]) => [
    caseOf([first], `words=${quoted(seconds.map(({ name }) => name.split(" ")[1] ?? ""))} ;;`),
  ]);
  const flags = tree.map(({ name, flags: own }) => {
    const names = own.flatMap((flag) => spellings(flag.name, flag.alias));
    return caseOf([name], `words=${quoted(names)} ;;`);
  });
  const values = placesByOffer(tree).map(([places, offer]) => caseOf(places, assignments(offer)));
  const positionals = tree
    .filter(({ words }) => words !== undefined)
    .map(({ name, words }) => caseOf([name], assignments(words as Offer)));
  const shared = groups(tree).map(([first]) => first);
  return `# bash completion of pefd, written by \`pefd completion bash\`.

# The second words of a command's first word.
_pefd_seconds() {
  case "$1" in
${commands.join("\n")}
  esac
}

# The flags of a command.
_pefd_flags() {
  case "$1" in
${flags.join("\n")}
  esac
}

# What is offered for a flag's value; fails for a switch and for what is no flag.
_pefd_value() {
  case "$1" in
${values.join("\n")}
    *) return 1 ;;
  esac
}

# What is offered for words that are no flags.
_pefd_word() {
  case "$1" in
${positionals.join("\n")}
  esac
}

# Folders that hold a run and begin as the second argument says, behind the first.
_pefd_runs() {
  local file
  for file in save/*/*/config.json; do
    [[ -f $file && $file == "$2"* ]] && printf '%s\\n' "$1\${file%/config.json}"
  done
}

_pefd() {
  local line=\${COMP_LINE:0:COMP_POINT} cur prev command words= paths= before= IFS=$' \\t\\n'
  local -a typed
  read -ra typed <<< "$line"
  case "$line" in *[[:space:]]) typed+=("") ;; esac
  local last=$(( \${#typed[@]} - 1 ))
  cur=\${typed[last]} prev=\${typed[last - 1]} command=\${typed[1]}
  local first=2
  case " ${shared.join(" ")} " in *" $command "*) command="$command \${typed[2]}" first=3 ;; esac

  # --model_s=re is --model_s and re; --model-s is --model_s.
  if [[ $cur == --*=* ]]; then prev=\${cur%%=*} before=\${cur%%=*}=; fi
  if [[ $prev == --?* ]]; then prev=\${prev//-/_} prev=--\${prev#__}; fi

  if (( last == 1 )); then
    words=${quoted([...firstWords(tree).map(([word]) => word), "--help", "--version"])}
  elif (( last < first )); then
    _pefd_seconds "\${typed[1]}"
  elif ! _pefd_value "$command $prev"; then
    if [[ $cur == -* ]]; then _pefd_flags "$command"; else _pefd_word "$command"; fi
  fi

  # Of a list, such as ours,kd or crd+kd, the last name.
  local value=\${cur#"$before"} list=
  if [[ $words && $value == *[,+]* ]]; then list=\${value%"\${value##*[,+]}"}; fi
  mapfile -t COMPREPLY < <(compgen -P "$before$list" -W "$words" -- "\${value#"$list"}")
  if [[ $paths == runs ]]; then
    mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(
      { _pefd_runs "$before" "$value"; compgen -P "$before" -d -- "$value"; } | sort -u
    )
  elif [[ $paths == files ]]; then
    mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -P "$before" -f -- "$value")
  fi
  [[ $paths ]] && compopt -o filenames 2>/dev/null

  # bash replaces what stands after the last of its own separators.
  local separated=\${cur%"\${cur##*[=:]}"}
  if [[ $separated && $COMP_WORDBREAKS == *:* ]]; then COMPREPLY=("\${COMPREPLY[@]#"$separated"}"); fi
}

complete -F _pefd pefd
`;
}
