import { statSync } from "node:fs";
import { htmlPage } from "../page/htmlPage.js";
import type { Collection } from "../runs/collect.js";
import { runCollector } from "../runs/collector.js";
import { stateOf } from "../runs/runState.js";
import { type Published, summarize } from "../runs/summarize.js";

/** A page as it stands, and a name that it has for as long as it says the same. */
export interface LivePage {
  readonly html: string;
  readonly version: string;
}

/** Milliseconds for which a look at the runs is good enough. */
const FRESH = 500;

/** A page that takes long to make is made again only after so many times as long. */
const REST = 2;

const isFolder = (dir: string) => statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * The report's page of the runs in some folders as they go on: looked at again when it is asked for, drawn again when
 * something has changed. Of a folder that has gone there is a sentence, and the others are shown.
 * @param clock milliseconds since 1970
 * @param collect finds the runs, and gives the same object for as long as nothing has changed
 */
export function livePage(
  dirs: readonly string[],
  published: Published,
  clock: () => number = Date.now,
  collect = runCollector(clock),
): () => LivePage {
  let page: LivePage = { html: "", version: "" };
  let drawn: { readonly found: Collection; readonly rest: string } | undefined;
  let looked = Number.NEGATIVE_INFINITY;
  let fresh = FRESH;
  let count = 0;
  return () => {
    const now = clock();
    if (drawn !== undefined && Math.abs(now - looked) < fresh) return page;
    [looked, fresh] = [now, FRESH];
    const found = collect(dirs.filter(isFolder));
    const gone = dirs.filter((dir) => !isFolder(dir)).map((dir) => `There is no folder ${dir}.`);
    const states = found.runs.filter((run) => !run.finished).map((run) => stateOf(run, now));
    const rest = JSON.stringify([gone, states]);
    if (drawn?.found === found && drawn.rest === rest) return page;
    const start = performance.now();
    const version = String(++count);
    const whole = { runs: found.runs, problems: [...found.problems, ...gone] };
    const summaries = summarize(whole.runs, published);
    page = { html: htmlPage(summaries, whole, new Date(now), { version }), version };
    drawn = { found, rest };
    fresh = Math.max(FRESH, REST * (performance.now() - start));
    return page;
  };
}
