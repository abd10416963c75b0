import { createRegistry } from "../../common/registry.js";
import { bashCompletion } from "./bash.js";
import { fishCompletion } from "./fish.js";
import type { CommandOffer, SHELLS } from "./tree.js";
import { zshCompletion } from "./zsh.js";

/** A shell that completes pefd. */
interface Script {
  readonly name: (typeof SHELLS)[number];
  /** Its script, with all that can be typed. */
  readonly write: (tree: readonly CommandOffer[]) => string;
}

/** The shells, by name. */
export const SCRIPTS = createRegistry<Script>({ one: "shell", many: "Shells" }, [
  { name: "bash", write: bashCompletion },
  { name: "zsh", write: zshCompletion },
  { name: "fish", write: fishCompletion },
]);
