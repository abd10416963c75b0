import { flagOnly, section, string } from "../../../common/optionRow.js";
import { DATA_PLACE, DOCUMENT, GENERAL } from "../../../config/commandOptions.js";
import { resolveSection } from "../../../config/resolve.js";
import { DATASETS } from "../../../data/registry.js";
import type { Command } from "../../command.js";
import { DATASET_WORD, withDatasetWord } from "../../dataset/word.js";
import { interruptible } from "../../interrupt.js";
import { transferProgress } from "../../transfer.js";

const FETCHING = section("Data", {
  ...DATA_PLACE,
  ...flagOnly({
    url: string(undefined, "Address of the archive, for a mirror.", {
      valueName: "URL",
      defaultText: "the official address",
    }),
    md5: string(undefined, "MD5 checksum of the archive.", { defaultText: "the official one" }),
  }),
});

/** pefd data fetch: downloads a data set, resuming earlier attempts. */
export const command: Command = {
  sections: [FETCHING, DOCUMENT, GENERAL],
  positionals: DATASET_WORD,
  examples: [
    ["pefd data fetch", "CIFAR-100 into data/cifar-100-binary"],
    ["pefd data fetch cifar10 --data DIR", "another data set, into a folder of your own"],
  ],
  async run(invocation) {
    const { output } = invocation;
    const { dataset, data, url, md5 } = resolveSection(FETCHING, withDatasetWord(invocation));
    const row = DATASETS.row(dataset);
    const { fetchArchive } = await import("../../../data/fetch/fetchArchive.js");
    const progress = transferProgress(output);
    const onWait = () => output.notice(`Another process is downloading into ${data}; waiting for it.`);
    const { fetched, resumedFrom } = await interruptible((signal) =>
      fetchArchive(row, { directory: data, url, md5, signal, onWait, onProgress: progress.update }),
    ).finally(progress.stop);
    const text = fetched ? `${row.title} is in ${data}` : `${row.title} is already in ${data}`;
    output.result(text, { directory: data, fetched, resumedFrom });
  },
};
