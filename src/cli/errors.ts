import { pathToFileURL } from "node:url";
import { isOutOfMemory, MEMORY_HINT, memorySentence } from "../common/deviceMemory.js";
import { PefdError } from "../common/errors.js";
import { PLUGINS } from "../common/plugins.js";
import { cleanText } from "../common/text/cleanText.js";
import { palette } from "../report/color.js";
import { Interrupted, signalExitCode } from "./interrupt.js";
import { asTyped } from "./typed.js";

/** What is told about an error, and the exit code. */
interface Told {
  /** A signal is no error. */
  readonly prefix?: "";
  readonly exitCode: number;
  readonly lines: readonly string[];
}

const isSystemError = (error: Error): error is NodeJS.ErrnoException =>
  "syscall" in error && "code" in error;

const withHint = ({ message, hint }: PefdError | Interrupted): string[] =>
  hint === undefined ? [message] : [message, hint];

const isIn = (file: string, stack: string): boolean => stack.includes(pathToFileURL(file).href);

/** The plug-in whose code an error has come through. */
const pluginIn = ({ stack = "" }: Error): string | undefined =>
  PLUGINS.names().find((file) => isIn(file, stack));

/** The author's own code: where it went wrong helps whoever mends it. */
const ofPlugin = (file: string, error: Error): Told => ({
  exitCode: 1,
  lines: [
    `This is an error of the plug-in ${file}: ${error.name}: ${error.message.split("\n")[0]}`,
    ...framesIn(file, error),
  ],
});

/** The stack down to where the plug-in was called; what called it is no concern of the author's. */
function framesIn(file: string, { stack = "" }: Error): string[] {
  const frames = stack.split("\n").map((line) => line.trim());
  const own = frames.findLastIndex((frame) => isIn(file, frame));
  return frames.slice(0, own + 1).filter((frame) => frame.startsWith("at "));
}

/** TensorFlow's words for an op of src/native that nobody registered: in a graph, and by itself. */
const LACKS_OWN_OP =
  /Op type not registered 'Pefd|'Pefd\w+' is neither a type of a primitive operation/;

function tell(error: Error): Told {
  if (error instanceof Interrupted) {
    const exitCode = signalExitCode(error.signalName);
    return { prefix: "", exitCode, lines: withHint(error) };
  }
  if (error instanceof PefdError) {
    return { exitCode: error.exitCode, lines: withHint(error) };
  }
  if (isSystemError(error)) {
    return { exitCode: 1, lines: [`The system refused an operation: ${error.message}.`] };
  }
  if (isOutOfMemory(error.message)) {
    return {
      exitCode: 1,
      lines: [memorySentence(error.message), MEMORY_HINT],
    };
  }
  if (LACKS_OWN_OP.test(error.message)) {
    return {
      exitCode: 3,
      lines: [
        "What set-up has compiled is older than this version of pefd: it lacks an op of pefd's own.",
        "Type: pefd setup",
      ],
    };
  }
  const plugin = pluginIn(error);
  if (plugin !== undefined) return ofPlugin(plugin, error);
  return {
    exitCode: 1,
    lines: [
      `This is a defect of pefd: ${error.name}: ${error.message.split("\n")[0]}`,
      "Run it again with --debug to see where, and report that.",
    ],
  };
}

/** An error's stack, and those of the errors behind it, with their messages whole. */
const tracesOf = ({ stack, cause }: Error): string[] => [
  ...(stack ? [stack] : []),
  ...(cause instanceof Error ? tracesOf(cause) : []),
];

/**
 * An error as text for people, what to type next below it, and the exit code.
 * The stack trace is part of it only with `debug`.
 * @param program what has to be typed for pefd (typed.ts)
 */
export function describeError(
  thrown: unknown,
  { debug, color, program = "pefd" }: { debug: boolean; color: boolean; program?: string },
): { text: string; exitCode: number } {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const paint = palette(color);
  const { prefix = `${paint.red("error:")} `, exitCode, lines } = tell(error);
  const [first, ...rest] = lines.map((line) => asTyped(cleanText(line), program));
  const shown = [`${prefix}${first}`, ...rest.map((line) => `  ${line}`)];
  if (debug) shown.push(...tracesOf(error).map((trace) => paint.dim(cleanText(trace))));
  return { text: shown.join("\n"), exitCode };
}
