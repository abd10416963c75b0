import type { Section } from "../../common/optionRow.js";
import { CONFIGURATION, DOCUMENT, GENERAL } from "../../config/commandOptions.js";

/** The sections of a command that trains: its own, and those of every such command. */
export const trainingSections = (own: readonly Section[]): readonly Section[] => [
  ...own,
  CONFIGURATION,
  DOCUMENT,
  GENERAL,
];
