import { PefdError } from "../common/errors.js";
import type { Found } from "../runFiles/stateFile.js";

/** Whether a thing is as it should be, is not, or cannot be told. */
export type Verdict = "fits" | "differs" | "unknown";

/** What was found of one file or input of a run. */
export interface Finding {
  /** A file's name, or what of the identity. */
  readonly what: string;
  readonly verdict: Verdict;
  readonly detail: string;
}

export const fits = (what: string, detail: string): Finding => ({ what, verdict: "fits", detail });
export const differs = (what: string, detail: string): Finding => ({
  ...{ what, verdict: "differs", detail },
});
export const unknown = (what: string, detail: string): Finding => ({
  ...{ what, verdict: "unknown", detail },
});

/**
 * What an examination finds; a sentence that it throws is a finding of its own.
 * @param verdict of such a sentence
 */
export async function examined(
  what: string,
  verdict: Verdict,
  examine: () => Finding | Promise<Finding>,
): Promise<Finding> {
  try {
    return await examine();
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    return { what, verdict, detail: error.message };
  }
}

/** A state file as it is found; where the system does not let it be read, that is what is wrong with it. */
export function foundOrRefused<Content>(read: () => Found<Content>): Found<Content> {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    return { state: "damaged", reason: error.message };
  }
}
