import { DOCUMENT, GENERAL } from "../../config/options.js";
import { MODELS } from "../../models/registry.js";
import { columns } from "../columns.js";
import type { Command } from "../command.js";

/** pefd models: the registry. */
export const command: Command = {
  sections: [DOCUMENT, GENERAL],
  examples: [["pefd models", "names for --model, --model_s and --model_t"]],
  async run({ output }) {
    const models = [...MODELS.values()].map(({ name, family, imageSize = 32, paper }) => ({
      name,
      family,
      imageSize,
      paper,
    }));
    const rows = models.map((row) => [
      row.name,
      row.family,
      `${row.imageSize}x${row.imageSize}`,
      row.paper,
    ]);
    output.result(columns([["model", "family", "images", "paper"], ...rows]), models);
    return undefined;
  },
};
