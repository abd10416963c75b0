/** The compiler's folder, as frames of a stack name it. */
const OWN_FOLDER = new URL("..", import.meta.url).href;

/** Frames of the machinery itself or of built-in functions, which nobody wants to read. */
const isMachinery = (frame: string): boolean =>
  frame.includes(OWN_FOLDER) ||
  /node_modules|node:internal|<anonymous>\)|\(native\)|\/nn\/defineOp\./.test(frame);

/** The first line of the step's own code on a stack, as "file:line:column". */
function ownLine(stack: string): string {
  const frame = stack
    .split("\n")
    .slice(1)
    .find((line) => !isMachinery(line));
  return frame?.replace(/^.*?\(?((?:file:\/\/)?\/[^)]*)\)?$/, "$1").trim() ?? "unknown";
}

/** A line of the step's own code, looked for when it is asked. */
export type Caller = () => string;

/**
 * Remembers the stack that leads here. To write it out takes several times as long as to record an op, and only the
 * message of an error asks for it.
 */
export function callerHere(): Caller {
  const depth = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const here = new Error();
  Error.stackTraceLimit = depth;
  return () => ownLine(here.stack ?? "");
}

/** A step that cannot be recorded: says what it did and where. A defect of the step's code, not of the user. */
export class TraceError extends Error {
  override readonly name = "TraceError";

  constructor(what: string, caller: Caller = callerHere()) {
    super(`A step cannot be compiled: ${what} (${caller()}).`);
  }
}
