/** The compiler's folder, as frames of a stack name it. */
const OWN_FOLDER = new URL("..", import.meta.url).href;

/** Frames of the machinery itself or of built-in functions, which nobody wants to read. */
const isMachinery = (frame: string): boolean =>
  frame.includes(OWN_FOLDER) ||
  /node_modules|node:internal|<anonymous>\)|\(native\)|\/nn\/defineOp\./.test(frame);

/** The first line of the step's own code on the stack, as "file:line:column". */
export function callerLine(): string {
  const depth = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const stack = new Error().stack ?? "";
  Error.stackTraceLimit = depth;
  const frame = stack
    .split("\n")
    .slice(1)
    .find((line) => !isMachinery(line));
  return frame?.replace(/^.*?\(?((?:file:\/\/)?\/[^)]*)\)?$/, "$1").trim() ?? "unknown";
}

/** A step that cannot be recorded: says what it did and where. A defect of the step's code, not of the user. */
export class TraceError extends Error {
  override readonly name = "TraceError";

  constructor(what: string, caller: string = callerLine()) {
    super(`A step cannot be compiled: ${what} (${caller}).`);
  }
}
