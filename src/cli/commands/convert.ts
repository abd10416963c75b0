import { existsSync } from "node:fs";
import { inputError } from "../../common/errors.js";
import { DOCUMENT, GENERAL } from "../../config/options.js";
import { resolveSection } from "../../config/resolve.js";
import { flag, section } from "../../config/row.js";
import type { Command } from "../command.js";

const CONVERSION = section("Conversion", {
  force: flag("Replace an existing file.", { flagOnly: true }),
});

/** pefd convert: the same tensors in another format, bit for bit. */
export const command: Command = {
  sections: [CONVERSION, DOCUMENT, GENERAL],
  positionals: { usage: "IN OUT", min: 2, max: 2 },
  examples: [
    ["pefd convert ckpt_epoch_240.pth resnet8x4.safetensors", "from PyTorch"],
    ["pefd convert resnet8x4_best.safetensors resnet8x4.pth", "for torch.load"],
  ],
  async run({ layers, positionals, output }) {
    const [from, to] = positionals as [string, string];
    const { force } = resolveSection(CONVERSION, layers);
    if (existsSync(to) && !force) {
      throw inputError(`${to} exists already; it is left as it is.`, "Replace it with --force.");
    }
    const { readCheckpoint } = await import("../../checkpoint/readCheckpoint.js");
    const { writeCheckpoint } = await import("../../checkpoint/writeCheckpoint.js");
    const { state, metadata, format } = await readCheckpoint(from);
    await writeCheckpoint(to, state, metadata);
    const tensors = state.size;
    output.result(`${tensors} tensors of ${from} (${format}) are in ${to}`, {
      from,
      to,
      format,
      tensors,
    });
    return undefined;
  },
};
