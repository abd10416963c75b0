import { inputError } from "../../../common/errors.js";
import { flagOnly, integer, path, section, type Values } from "../../../common/optionRow.js";
import { DATA_PLACE, DOCUMENT, GENERAL } from "../../../config/commandOptions.js";
import { resolveSection } from "../../../config/resolve.js";
import { DATASETS } from "../../../data/registry.js";
import type { PackSettings } from "../../../data/shards/pack.js";
import type { ShardRecord } from "../../../data/shards/record.js";
import { skipListIn } from "../../../data/skipList.js";
import type { Command, Invocation } from "../../command.js";
import { DATASET_WORD, withDatasetWord } from "../../dataset/word.js";
import { interruptible } from "../../interrupt.js";
import { transferProgress } from "../../transfer.js";

const PACKING = section("Data", {
  ...DATA_PLACE,
  ...flagOnly({
    out: path(undefined, "Output folder; must be empty or new.", {
      defaultText: "the data folder's name plus -shards",
    }),
    shard_mb: integer(512, "Shard size in MB.", { min: 1, max: 1_000_000 }),
    short_side: integer(undefined, "Downscale images to this short side, in pixels. Results are then not comparable.", {
      min: 1,
      max: 65_535,
      defaultText: "original images, byte for byte",
    }),
    quality: integer(undefined, "JPEG quality for --short_side.", { min: 1, max: 100, defaultText: "90" }),
    skip_list: path(undefined, "Skip the images listed in this file, one per line.", { defaultText: "none" }),
    num_workers: integer(8, "Threads for downscaling.", { min: 1, max: 256 }),
  }),
});

const QUALITY = 90;

async function reencodingOf(
  { short_side, quality, num_workers }: Values<typeof PACKING>,
  env: Invocation["env"],
): Promise<PackSettings["reencoding"]> {
  if (short_side === undefined) {
    if (quality === undefined) return undefined;
    throw inputError("--quality has no effect without --short_side: images are packed unchanged.");
  }
  const { reencodingWords } = await import("../../../data/shards/reencode.js");
  const { reencodeAll } = await import("../../../data/shards/reencodeAll.js");
  const { loadTensorFlow } = await import("../../../runtime/tf.js");
  loadTensorFlow({ env, keepPrograms: false });
  const reencoding = { shortSide: short_side, quality: quality ?? QUALITY };
  return { words: reencodingWords(reencoding), read: reencodeAll(reencoding, num_workers) };
}

const MEGABYTE = 1e6;

function sentence(out: string, { dataset, note, halves }: ShardRecord): string {
  const { train, test } = halves;
  const images = [...(train ? [`${train.images} training`] : []), ...(test ? [`${test.images} test`] : [])];
  const shards = (train?.shards.length ?? 0) + (test?.shards.length ?? 0);
  const use = `--dataset ${dataset} --data ${out}`;
  const files = shards === 1 ? "1 shard" : `${shards} shards`;
  const lies = `${images.join(" and ")} images are in ${out} (${files}); use them with ${use}`;
  return note === undefined ? lies : `${lies}\n${note}`;
}

/** pefd data pack: packs image files into WebDataset shards. */
export const command: Command = {
  sections: [PACKING, DOCUMENT, GENERAL],
  positionals: DATASET_WORD,
  examples: [
    ["pefd data pack folder --data DIR --out SHARDS", "WebDataset shards with the same bytes"],
    ["pefd train-teacher --dataset folder --data SHARDS", "train on the shards"],
  ],
  async run(invocation) {
    const { output, env } = invocation;
    const values = resolveSection(PACKING, withDatasetWord(invocation));
    const { dataset, data, shard_mb } = values;
    const out = values.out ?? `${data.replace(/\/+$/, "")}-shards`;
    const { title, packable } = DATASETS.row(dataset);
    if (packable === undefined) {
      throw inputError(
        `${title} already is a few large files: nothing to pack.`,
        "Only image folders can be packed: --dataset folder or imagenet.",
      );
    }
    const { packImages } = await import("../../../data/shards/pack.js");
    const progress = transferProgress(output, ({ received, total }) => `${received} of ${total} images`);
    const set = packable(data, skipListIn(values.skip_list));
    const reencoding = await reencodingOf(values, env);
    const record = await interruptible((signal) =>
      packImages(dataset, set, {
        out,
        mostBytes: shard_mb * MEGABYTE,
        reencoding,
        signal,
        onProgress: (received, total) => progress.update({ received, total }),
      }),
    ).finally(progress.stop);
    output.result(sentence(out, record), { directory: out, ...record });
  },
};
