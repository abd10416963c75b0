import { PRECISIONS, type TrainOptions } from "../../config/options.js";
import { readConfig } from "../../runFiles/config.js";

/**
 * The options of a run with the precision in which it began, where it goes on and nobody names one: on another machine, or
 * with another engine, `auto` could mean another.
 */
export function asBegun(options: TrainOptions, runDir: string): TrainOptions {
  if (!options.resume || options.precision !== "auto") return options;
  const config = readConfig(runDir);
  const begun = config.state === "whole" ? config.content.precision : undefined;
  const precision = PRECISIONS.find((one) => one === begun);
  return precision === undefined ? options : { ...options, precision };
}
