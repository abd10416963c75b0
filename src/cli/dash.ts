/** What stands for the standard output in the place of a file's name. */
export const STDOUT = "-";

/** A file to write, or undefined where nothing or the standard output was asked for. */
export const fileOf = (path: string | undefined): string | undefined =>
  path === STDOUT ? undefined : path;
