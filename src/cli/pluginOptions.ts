import { inputError } from "../common/errors.js";
import { type Row, type Section, section } from "../common/optionRow.js";
import { PLUGINS } from "../common/plugins.js";
import { METHODS } from "../distill/registry.js";

/** Every name that an option is taken by. */
const namesOf = (option: string, { alias, alsoNamed }: Row): string[] =>
  [option, alias, alsoNamed].filter((name) => name !== undefined);

function refuseTaken(file: string, method: string, sections: readonly Section[]): void {
  const others = [
    ...sections.filter(({ title }) => !title.startsWith("Method ")),
    ...METHODS.rows()
      .filter(({ name }) => name !== method)
      .map(({ name, options }) => section(`Method ${name}`, options)),
  ];
  for (const [option, row] of Object.entries<Row>(METHODS.find(method)?.options ?? {})) {
    const names = namesOf(option, row);
    const isTaken = ([other, its]: [string, Row]) =>
      its !== row && namesOf(other, its).some((name) => names.includes(name));
    const owner = others.find(({ rows }) => Object.entries(rows).some(isTaken));
    if (owner === undefined) continue;
    throw inputError(
      `The plug-in ${file} gives its method ${method} an option --${option}, which there is already (${owner.title}).`,
      `Give it another name there, such as --${method}_${option}.`,
    );
  }
}

/**
 * Holds the options of plug-ins' methods against those that there are. The very row that others have may be a method's,
 * too, such as kd_T of KL_OPTIONS.
 * @param sections of the command, and those of configuration files
 * @throws inputError for one that is taken
 */
export function refuseTakenOptions(sections: readonly Section[]): void {
  for (const { name: file, methods } of PLUGINS.rows()) {
    for (const method of methods) refuseTaken(file, method, sections);
  }
}
