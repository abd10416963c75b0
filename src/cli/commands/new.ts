import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inputError, runError } from "../../common/errors.js";
import { makeFolder, writeFileAtomic } from "../../common/files/atomicFile.js";
import { flagSection, path } from "../../common/optionRow.js";
import { shellWord } from "../../common/text.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveSection } from "../../config/resolve.js";
import { DATASETS } from "../../data/registry.js";
import { procedures } from "../../distill/registry.js";
import { modelNames } from "../../models/registry.js";
import type { Command } from "../command.js";

interface NewKind {
  readonly title: string;
  taken(): readonly string[];
  /** The `pefd` arguments that try it. */
  tryArguments(name: string, file: string): string;
}

/** By the second word of the command, after which the files in templates/ are named. */
const NEW_KINDS: Readonly<Record<string, NewKind>> = {
  method: {
    title: "method",
    taken: () => procedures().map(({ name }) => name),
    tryArguments: (name, file) =>
      `distill --plugin ${file} --distill ${name} --path_t TEACHER --model_t resnet8x4 --model_s resnet8`,
  },
  model: {
    title: "model",
    taken: modelNames,
    tryArguments: (name, file) =>
      `data synthesize && pefd train-teacher --plugin ${file} --model ${name} --data data/synthetic --epochs 1`,
  },
  dataset: {
    title: "data set",
    taken: DATASETS.names,
    tryArguments: (name, file) => `train-teacher --plugin ${file} --dataset ${name} --model resnet8`,
  },
};

const PROGRAM = fileURLToPath(new URL("../../..", import.meta.url));

/** The package that files in a folder find under this program's name; undefined where they find none. */
function packageFrom(folder: string): string | undefined {
  try {
    const require = createRequire(join(resolve(folder), "any.js"));
    return realpathSync(dirname(require.resolve("pefd/package.json")));
  } catch {
    return undefined;
  }
}

/** Links this package for imports from a folder; undefined where none is needed; throws runError where it fails. */
function linkProgram(folder: string): string | undefined {
  if (packageFrom(folder) !== undefined) return undefined;
  const link = join(folder, "node_modules", "pefd");
  if (existsSync(link)) return undefined;
  try {
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(PROGRAM), link, "dir");
  } catch (error) {
    throw runError(`${link} could not be made: ${(error as Error).message}.`, "Choose another folder with --out.");
  }
  return link;
}

const PLACE = flagSection("File", { out: path(".", "Output folder.") });

const NAME = /NAME/g;

const ENDINGS = [".mjs", ".test.mjs"];

function checkName(name: string, { title, taken }: NewKind): void {
  if (!/^[A-Za-z]\w{0,60}$/.test(name)) {
    throw inputError(
      `"${name}" is not a valid name for a ${title}.`,
      "Use letters, digits and _, starting with a letter.",
    );
  }
  if (taken().includes(name)) {
    throw inputError(`A ${title} named ${name} already exists.`, "Choose another name.");
  }
}

const templateOf = (word: string, ending: string): string =>
  readFileSync(join(PROGRAM, "templates", `${word}${ending}`), "utf8");

/** The command that creates a working plug-in and its test. */
export function newCommand(word: string): Command {
  const kind = NEW_KINDS[word] as NewKind;
  return {
    sections: [PLACE, DOCUMENT, GENERAL],
    positionals: { usage: "NAME", min: 1, max: 1 },
    examples: [[`pefd new ${word} mine`, "mine.mjs and mine.test.mjs, in this folder"]],
    async run({ layers, positionals, output }) {
      const { out } = resolveSection(PLACE, layers);
      const name = positionals[0] as string;
      checkName(name, kind);
      const files = ENDINGS.map((ending) => ({ ending, path: join(out, `${name}${ending}`) }));
      for (const { path } of files) {
        if (existsSync(path)) throw inputError(`${path} already exists.`, "Choose another name.");
      }
      makeFolder(out);
      for (const { ending, path } of files) await writeFileAtomic(path, templateOf(word, ending).replace(NAME, name));
      const link = linkProgram(out);
      const [file = "", test = ""] = files.map(({ path }) => path);
      const lines = [
        `Written   ${file}`,
        `          ${test}`,
        ...(link === undefined ? [] : [`Linked    ${link}, so that editors and tests find pefd`]),
        `Try it    pefd ${kind.tryArguments(name, shellWord(file))}`,
        `Test it   node --test ${shellWord(test)}`,
      ];
      output.result(lines.join("\n"), { files: [file, test], link: link ?? null });
    },
  };
}
