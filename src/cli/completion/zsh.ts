import { type CommandOffer, firstWords, groups, type Offer } from "./tree.js";

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** "name:what it is", as _describe takes it. */
const described = (name: string, help: string): string => quoted(`${name.replaceAll(":", "\\:")}:${help}`);

const NAMES = { files: "_files", runs: "_pefd_runs" } as const;

/** Completes a value: the last name of a list. */
function offering({ words, paths }: Offer): string {
  const names = words.length === 0 ? [] : [`_pefd_words ${words.map(quoted).join(" ")}`];
  return [...names, ...(paths ? [NAMES[paths]] : [])].join("; ") || "_message 'a value'";
}

function commandCase({ name, flags, words }: CommandOffer): string {
  const values = flags.flatMap(({ name: flag, alias, value }) => {
    const spelled = [`--${flag}`, ...(alias ? [`-${alias}`] : [])].join("|");
    return value ? [`        ${spelled}) ${offering(value)}; return ;;`] : [];
  });
  const all = flags.flatMap(({ name: flag, alias, help }) => [
    described(`--${flag}`, help),
    ...(alias ? [described(`-${alias}`, help)] : []),
  ]);
  return `    ${quoted(name)})
      case $flag in
${values.join("\n")}
      esac
      if [[ $PREFIX == -* ]]; then
        local -a flags=(${all.join(" ")})
        _describe -o flag flags
      else
        ${words ? offering(words) : "_message 'no more words'"}
      fi ;;`;
}

/** A completion script for zsh, with every word in it. */
export function zshCompletion(tree: readonly CommandOffer[]): string {
  const firsts = firstWords(tree).map(([word, summary]) => described(word, summary));
  const shared = groups(tree).map(([first, seconds]) => {
    const names = seconds.map(({ name, summary }) => described(name.split(" ")[1] ?? "", summary));
    return `    ${first})
      if (( CURRENT == 3 )); then
        local -a seconds=(${names.join(" ")})
        _describe command seconds
        return
      fi
      command="$words[2] $words[3]" ;;`;
  });
  return `#compdef pefd
# zsh completion of pefd, written by \`pefd completion zsh\`.

# Names; of a list, such as ours,kd or crd+kd, the last one.
_pefd_words() {
  compset -P '*[,+]'
  compadd -- "$@"
}

# Folders that hold a run, and other folders.
_pefd_runs() {
  local -a runs=(save/*/*/config.json(N:h))
  (( $#runs )) && compadd -f -- $runs
  _files -/
}

_pefd() {
  local command=$words[2] flag=$words[CURRENT-1]
  if (( CURRENT == 2 )); then
    local -a commands=(${firsts.join(" ")} '--help:Show help' '--version:Show the version')
    _describe command commands
    return
  fi
  case $command in
${shared.join("\n")}
  esac
  # --model_s=re is --model_s and re; --model-s is --model_s.
  if [[ $PREFIX == --*=* ]]; then
    flag=\${PREFIX%%=*}
    compset -P '--*='
  fi
  [[ $flag == --?* ]] && flag=--\${\${flag#--}//-/_}
  case $command in
${tree.map(commandCase).join("\n")}
  esac
}

if [[ $funcstack[1] == _pefd ]]; then _pefd "$@"; else compdef _pefd pefd; fi
`;
}
