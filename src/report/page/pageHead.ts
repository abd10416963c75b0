import { escapeHtml } from "../plots/html.js";

/** What a page's head says. */
export interface PageHead {
  readonly title: string;
  /** Its Content-Security-Policy. */
  readonly policy: string;
  /** The command that makes it. */
  readonly generator: string;
  /** Style elements. */
  readonly styles: readonly string[];
}

/** The head of a page that needs nothing else. @returns the element head */
export const pageHead = ({ title, policy, generator, styles }: PageHead): string => `<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="generator" content="${generator}">
<title>${escapeHtml(title)}</title>
${styles.join("\n")}
</head>`;
