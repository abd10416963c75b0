import { section, string } from "../../common/optionRow.js";
import { DATA_FOLDER, GENERAL, RESULT } from "../../config/options.js";
import { resolveSection } from "../../config/resolve.js";
import type { Command } from "../command.js";
import { interruptible } from "../interrupt.js";
import { transferProgress } from "../transfer.js";

const FETCHING = section("Data", {
  data: DATA_FOLDER,
  url: string(undefined, "Where the archive lies, for a mirror.", {
    flagOnly: true,
    defaultText: "the official place",
  }),
  md5: string(undefined, "The archive's md5 sum, for another archive.", {
    flagOnly: true,
    defaultText: "the official one",
  }),
});

/** pefd data fetch: brings CIFAR-100, goes on where an earlier attempt stopped. */
export const command: Command = {
  sections: [FETCHING, RESULT, GENERAL],
  examples: [["pefd data fetch", "CIFAR-100 into data/cifar-100-binary"]],
  async run({ layers, output }) {
    const { data, url, md5 } = resolveSection(FETCHING, layers);
    const { fetchCifar100 } = await import("../../data/fetch/fetchArchive.js");
    const progress = transferProgress(output);
    const onWait = () => output.notice(`Another process fetches into ${data}; waiting for it.`);
    const { fetched, resumedFrom } = await interruptible((signal) =>
      fetchCifar100({ directory: data, url, md5, signal, onWait, onProgress: progress.update }),
    ).finally(progress.stop);
    const text = fetched ? `CIFAR-100 lies in ${data}` : `CIFAR-100 was in ${data} already`;
    output.result(text, { directory: data, fetched, resumedFrom });
    return undefined;
  },
};
