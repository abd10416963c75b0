import { cleanLine } from "../common/text/cleanText.js";

const ERROR = /^(?:\S+: )?error: /;
const STOPPED = /^Stopped by /;

/** Why a run ended, from what it said: the last error, else the signal that stopped it, else its last line. */
export function lastWords(text: string): string {
  const lines = text.split("\n").map((line) => cleanLine(line.trim()));
  const said = lines.filter((line) => line !== "");
  const telling = [ERROR, STOPPED, /./].map((kind) => said.findLast((line) => kind.test(line)));
  return telling.find((line) => line !== undefined) ?? "no reason given";
}
