import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { htmlPage } from "../page/htmlPage.js";
import { type Collection, collectRuns } from "../runs/collect.js";
import { stateOf } from "../runs/runState.js";
import { type Published, summarize } from "../runs/summarize.js";

/** A page as it stands, and a name that it has for as long as it says the same. */
export interface LivePage {
  readonly html: string;
  readonly version: string;
}

/** Milliseconds for which a look at the runs is good enough. */
const FRESH = 500;

const isFolder = (dir: string) => statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true;

/** The runs in some folders; of a folder that has gone there is a sentence, and the others are shown. */
function lookAt(dirs: readonly string[]): Collection {
  const { runs, problems } = collectRuns(dirs.filter(isFolder));
  const gone = dirs.filter((dir) => !isFolder(dir)).map((dir) => `There is no folder ${dir}.`);
  return { runs, problems: [...problems, ...gone] };
}

function versionOf(found: Collection, now: number): string {
  const states = found.runs.map((run) => stateOf(run, now));
  const text = JSON.stringify([found, states]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/**
 * The report's page of the runs in some folders as they go on: looked at again when it is asked for, drawn again when
 * something has changed.
 * @param clock milliseconds since 1970
 */
export function livePage(
  dirs: readonly string[],
  published: Published,
  clock: () => number = Date.now,
): () => LivePage {
  let page: LivePage = { html: "", version: "" };
  let looked = Number.NEGATIVE_INFINITY;
  return () => {
    const now = clock();
    if (page.version !== "" && Math.abs(now - looked) < FRESH) return page;
    const found = lookAt(dirs);
    looked = now;
    const version = versionOf(found, now);
    if (version === page.version) return page;
    const summaries = summarize(found.runs, published);
    page = { html: htmlPage(summaries, found, new Date(now), { version }), version };
    return page;
  };
}
