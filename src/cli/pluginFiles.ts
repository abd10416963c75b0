import { existsSync } from "node:fs";

type Environment = Readonly<Record<string, string | undefined>>;

/** Several files with commas between them, or one whose name has a comma. */
const filesIn = (typed: string): string[] =>
  existsSync(typed)
    ? [typed]
    : typed
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean);

/** The values of --plugin; one that is missing is refused when all flags are read. */
function typedAfter(words: readonly string[]): string[] {
  const end = words.includes("--") ? words.indexOf("--") : words.length;
  return words.slice(0, end).flatMap((word, i) => {
    if (word.startsWith("--plugin=")) return [word.slice("--plugin=".length)];
    const next = words[i + 1];
    return word === "--plugin" && next !== undefined ? [next] : [];
  });
}

/**
 * The plug-ins that a command is given: those of PEFD_PLUGINS, then those of --plugin. They are needed before flags can be
 * read, as methods bring flags, and come from nowhere else: no configuration file and no run's record names one.
 * @param words what follows the command's name
 */
export const pluginFiles = (words: readonly string[], env: Environment): string[] =>
  [env.PEFD_PLUGINS ?? "", ...typedAfter(words)].flatMap(filesIn);
