import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { writeFileAtomic } from "../../common/files/atomicFile.js";
import { makeFolder } from "../../common/files/makeFolder.js";
import { path, section } from "../../common/optionRow.js";
import { shellWord } from "../../common/text/shellWord.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveSection } from "../../config/resolve.js";
import type { Command } from "../command.js";
import { NEW_KINDS, type NewKind } from "./kinds.js";
import { linkProgram, PROGRAM } from "./link.js";

const PLACE = section("File", {
  out: path(".", "The folder that it is written to.", { flagOnly: true }),
});

/** What stands for the name in templates. */
const NAME = /NAME/g;

/** The file and its test. */
const ENDINGS = [".mjs", ".test.mjs"];

function checkName(name: string, { title, taken }: NewKind): void {
  if (!/^[A-Za-z]\w{0,60}$/.test(name)) {
    throw inputError(
      `"${name}" cannot be the name of a ${title}.`,
      "Take letters, digits and _, beginning with a letter.",
    );
  }
  if (taken().includes(name)) {
    throw inputError(`There is a ${title} ${name} already.`, "Take another name.");
  }
}

const templateOf = ({ template }: NewKind, ending: string): string =>
  readFileSync(join(PROGRAM, "templates", `${template}${ending}`), "utf8");

/** The command that writes a plug-in to begin with: a file that runs as it is, and a test beside it. */
export function newCommand(word: keyof typeof NEW_KINDS): Command {
  const kind: NewKind = NEW_KINDS[word];
  return {
    sections: [PLACE, DOCUMENT, GENERAL],
    positionals: { usage: "NAME", min: 1, max: 1 },
    examples: [[`pefd new ${word} mine`, "mine.mjs and mine.test.mjs, here"]],
    async run({ layers, positionals, output }) {
      const { out } = resolveSection(PLACE, layers);
      const name = positionals[0] as string;
      checkName(name, kind);
      const files = ENDINGS.map((ending) => ({ ending, path: join(out, `${name}${ending}`) }));
      for (const { path } of files) {
        if (existsSync(path)) throw inputError(`${path} is there already.`, "Take another name.");
      }
      makeFolder(out);
      for (const { ending, path } of files) {
        await writeFileAtomic(path, templateOf(kind, ending).replace(NAME, name));
      }
      const link = linkProgram(out);
      const [file = "", test = ""] = files.map(({ path }) => path);
      const lines = [
        `Written   ${file}`,
        `          ${test}`,
        ...(link === undefined
          ? []
          : [`Linked    ${link}, so that editors and the test find pefd`]),
        `Try it    pefd ${kind.tryWords(name, shellWord(file))}`,
        `Test it   node --test ${shellWord(test)}`,
      ];
      output.result(lines.join("\n"), { files: [file, test], link: link ?? null });
      return undefined;
    },
  };
}
