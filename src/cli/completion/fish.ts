import { type CommandOffer, firstWords, groups, type Offer } from "./tree.js";

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** fish's flag for values: -x only these, -r files as well. */
function offering({ words, paths }: Offer): string {
  const names = words.length === 0 ? [] : [`__pefd_list ${words.join(" ")}`];
  const calls = [...names, ...(paths === "runs" ? ["__pefd_runs"] : [])];
  const offered = calls.length === 0 ? "" : ` -a ${quoted(`(${calls.join("; ")})`)}`;
  return `${paths === "files" ? "-r -F" : "-x"}${offered}`;
}

function commandLines({ name, flags, words }: CommandOffer): string[] {
  const start = `complete -c pefd -n ${quoted(`__pefd_is ${name}`)}`;
  const own = flags.map(({ name: flag, alias, help, value }) => {
    const short = alias ? ` -s ${alias}` : "";
    return `${start} -l ${flag}${short} -d ${quoted(help)}${value ? ` ${offering(value)}` : ""}`;
  });
  return words ? [`${start} ${offering(words).replace("-r -F", "-F").replace("-x", "-f")}`, ...own] : own;
}

/** A completion script for fish, with every word in it. */
export function fishCompletion(tree: readonly CommandOffer[]): string {
  const firsts = firstWords(tree).map(
    ([word, summary]) => `complete -c pefd -n __pefd_first -a ${word} -d ${quoted(summary)}`,
  );
  const seconds = groups(tree).flatMap(([first, commands]) =>
    commands.map(({ name, summary }) => {
      const second = name.split(" ")[1] ?? "";
      return `complete -c pefd -n '__pefd_second ${first}' -a ${second} -d ${quoted(summary)}`;
    }),
  );
  return `# fish completion of pefd, written by \`pefd completion fish\`.

# The command is still to come.
function __pefd_first
    test (count (commandline -opc)) -eq 1
end

# The second word of a command is still to come.
function __pefd_second
    set -l typed (commandline -opc)
    test (count $typed) -eq 2 -a "$typed[2]" = $argv[1]
end

# This is the command that was typed.
function __pefd_is
    set -l typed (commandline -opc)
    set -l last (math 1 + (count $argv))
    test (count $typed) -ge $last; and test "$typed[2..$last]" = "$argv"
end

# Names; of a list, such as ours,kd or crd+kd, the last one.
function __pefd_list
    set -l before (commandline -ct | string replace -r '^--[^=]*=' '' | string match -r '^.*[,+]')
    for word in $argv
        echo "$before$word"
    end
end

# Folders that hold a run, and other folders.
function __pefd_runs
    for file in save/*/*/config.json
        string replace -r '/config.json$' '' $file
    end
    __fish_complete_directories (commandline -ct | string replace -r '^--[^=]*=' '')
end

complete -c pefd -f
complete -c pefd -n __pefd_first -l help -d 'Show help'
complete -c pefd -n __pefd_first -l version -d 'Show the version'
${[...firsts, ...seconds, ...tree.flatMap(commandLines)].join("\n")}
`;
}
