import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { CenterCrop } from "../data/augmentation.js";
import type { TfjsArtifacts } from "../export/exportTfjs.js";
import { hashOf, jsonScript, moduleText, pageHead, pageStyle } from "../report/page/htmlPage.js";
import { escapeHtml } from "../report/plots/theme.js";

/** What the page's script consists of: the resizing of `pefd predict`, then its own. */
const MODULES = ["../data/images/view.js", "../data/images/plainResize.js", "../../templates/classify.js"];

const template = () => readFileSync(new URL("../../templates/classify.html", import.meta.url), "utf8");

/**
 * An HTML page that classifies a picture without a network (by its own policy): TensorFlow.js, the model and its
 * preprocessing are in it.
 * @param crop what evaluation shows of an image
 */
export function classifyPage({ weightData, ...artifacts }: TfjsArtifacts, crop: CenterCrop): string {
  const { model, classes, mean, deviation, image_size: side } = artifacts.userDefinedMetadata;
  const tfjs = createRequire(import.meta.url).resolve("@tensorflow/tfjs/dist/tf.es2017.min.js");
  const library = readFileSync(tfjs, "utf8").replace(/^\/\/# sourceMappingURL.*$/m, "");
  const script = MODULES.map((path) => moduleText(new URL(path, import.meta.url))).join("\n");
  const scripts = [library, script].map(hashOf).join(" ");
  const title = `${model}: what is in a picture?`;
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src blob:; script-src ${scripts}`;
  const shown = crop.crop === side ? crop : { resize: side, crop: side };
  const weights = Buffer.from(weightData).toString("base64");
  const parts: Readonly<Record<string, string>> = {
    head: pageHead({ title, policy, generator: "pefd convert", styles: [`<style>${pageStyle()}</style>`] }),
    title: escapeHtml(title),
    data: jsonScript(' id="data"', { artifacts, weights, classes, mean, deviation, crop: shown }),
    library,
    script,
  };
  return template().replace(/\{\{(\w+)\}\}/g, (_, name: string) => parts[name] ?? "");
}
