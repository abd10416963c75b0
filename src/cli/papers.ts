import { grouped } from "../common/text.js";

/** Each paper below the names of what is from it. */
export const papers = (rows: readonly { readonly name: string; readonly paper: string }[]): string[] =>
  [...grouped(rows, ({ paper }) => paper)].map(
    ([paper, those]) => `${those.map(({ name }) => name).join(", ")}:\n  ${paper}`,
  );
