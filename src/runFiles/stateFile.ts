import { createHash } from "node:crypto";
import type { z } from "zod";
import { FILE_BOUNDS, parseBoundedJson } from "../common/boundedJson.js";
import { inputError, type PefdError } from "../common/errors.js";
import { writeFileAtomic } from "../common/files/atomicFile.js";
import { readInputText, throwIfRefused } from "../common/files/inputFile.js";
import { cleanLine } from "../common/text/cleanText.js";

/** One kind of file that is read back: what it must hold, and how large it may be. */
export interface StateFile<Content> {
  readonly schema: z.ZodType<Content>;
  readonly maxBytes: number;
}

/** What was found where such a file may lie. */
export type Found<Content> =
  | { readonly state: "absent" }
  | { readonly state: "damaged"; readonly reason: string }
  | {
      readonly state: "whole";
      readonly content: Content;
      /** Whether it carries a checksum (which then fits): those of earlier versions have none. */
      readonly sealed: boolean;
    };

const CHECKSUM = "checksum";

const checksumOf = (content: object): string =>
  createHash("sha256").update(JSON.stringify(content)).digest("hex");

/** The text of a state file: readable JSON, its last entry a checksum of all others. */
export const sealedText = (content: object): string =>
  `${JSON.stringify({ ...content, [CHECKSUM]: checksumOf(content) }, undefined, 2)}\n`;

/** Writes a state file whole, its checksum in it. @throws as writeFileAtomic does */
export const writeStateFile = <Content extends object>(
  path: string,
  content: Content,
): Promise<void> => writeFileAtomic(path, sealedText(content));

/** Far deeper than any of these files. */
const BOUNDS = { depth: 16, values: FILE_BOUNDS.values };

/**
 * Reads a state file, and says what is there without judging what that means.
 * @throws inputError where the system does not let it be read
 */
export function readStateFile<Content>(path: string, kind: StateFile<Content>): Found<Content> {
  try {
    return parseState(readInputText(path, kind), kind);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { state: "absent" };
    throwIfRefused(path, error);
    const clause = message.replace(path, "it").replace(/\.$/, "");
    return {
      state: "damaged",
      reason: printable(error instanceof Clause ? `it ${clause}` : clause),
    };
  }
}

/** What a parser complains about: a clause without its subject. */
class Clause extends Error {}

function parseState<Content>(text: string, { schema }: StateFile<Content>): Found<Content> {
  const { checksum, content } = unsealed(parsed(text));
  const sealed = checksum !== undefined;
  if (sealed && checksum !== checksumOf(content)) throw new Clause("does not fit its own checksum");
  const { success, data, error } = schema.safeParse(content);
  if (success) return { state: "whole", content: data, sealed };
  throw new Clause(`has a wrong value: ${firstComplaint(error.issues)}`);
}

function parsed(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseBoundedJson(text, BOUNDS);
  } catch (error) {
    throw new Clause((error as Error).message);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Clause("holds no object");
}

function unsealed({ [CHECKSUM]: checksum, ...content }: Record<string, unknown>) {
  return { checksum, content };
}

const MOST_SHOWN = 200;

/** What a file says reaches a terminal in one line, and not a long one. */
const printable = (text: string): string => cleanLine(text).slice(0, MOST_SHOWN);

/** The first of a schema's complaints: `trial must be a whole number`. */
export const firstComplaint = ([issue]: readonly z.core.$ZodIssue[]): string =>
  printable(`${issue?.path.join(".") || "the whole"} ${issue?.message}`);

/** What a damaged state file is to people. */
export const damagedFile = (path: string, reason: string, hint: string): PefdError =>
  inputError(`${path} is damaged: ${reason}. Nothing was changed.`, hint);

/**
 * The content of a state file that must be whole where it is there.
 * @param hint what can still be done where it is damaged
 * @returns undefined where there is none
 * @throws inputError that names the file and what is wrong with it
 */
export function wholeContent<Content>(
  path: string,
  kind: StateFile<Content>,
  hint: string,
): Content | undefined {
  const found = readStateFile(path, kind);
  if (found.state === "damaged") throw damagedFile(path, found.reason, hint);
  return found.state === "whole" ? found.content : undefined;
}
