import { createRegistry } from "../../common/registry.js";
import { GENERAL } from "../../config/commandOptions.js";
import type { Command } from "../command.js";
import { bashCompletion } from "../completion/bash.js";
import { fishCompletion } from "../completion/fish.js";
import { type CommandOffer, completionTree, type SHELLS } from "../completion/tree.js";
import { zshCompletion } from "../completion/zsh.js";

type Script = { readonly name: (typeof SHELLS)[number]; readonly write: (tree: readonly CommandOffer[]) => string };

export const SCRIPTS = createRegistry<Script>({ one: "shell", many: "Shells" }, [
  { name: "bash", write: bashCompletion },
  { name: "zsh", write: zshCompletion },
  { name: "fish", write: fishCompletion },
]);

/** pefd completion: a script that completes commands, flags, names, runs and files without running pefd. */
export const completionOf = (commands: Parameters<typeof completionTree>[0]): Command => ({
  sections: [GENERAL],
  positionals: { usage: "bash|zsh|fish", min: 1, max: 1, completes: "shells" },
  examples: [
    ["pefd completion bash > ~/.local/share/bash-completion/completions/pefd", "for bash; takes effect in new shells"],
    ["pefd completion zsh > ~/.zfunc/_pefd", "for zsh, with ~/.zfunc in fpath before compinit"],
    ["pefd completion fish > ~/.config/fish/completions/pefd.fish", "for fish"],
  ],
  async run({ positionals, output }) {
    const { name, write } = SCRIPTS.row(positionals[0] as string);
    const script = write(await completionTree(commands));
    output.result(script.trimEnd(), { shell: name, script });
  },
});
