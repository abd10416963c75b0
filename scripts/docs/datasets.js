import { DATASETS } from "../../dist/data/registry.js";

const AUGMENTATIONS = {
  shift: ({ padding }) => `crop after ${padding} pixels of zeros, flip`,
  rotation: ({ degrees }) => `turned by up to ${degrees} degrees each way, black coming in, flip`,
  "resized crop": ({ scale }) =>
    `crop of ${scale.map((share) => `${100 * share} %`).join(" to ")} of the area, resized, flip`,
};

function defaultsText({ defaults }) {
  const own = Object.entries(defaults).filter(([name]) => name !== "data");
  return own.map(([name, value]) => `\`--${name} ${value}\``).join(" ") || "the general ones";
}

const cells = (row) => {
  const { name, title, classes, format, evaluation, archive, defaults } = row;
  const { height, width, augmentation, normalization } = format;
  const { resize, crop } = evaluation === "as is" ? { resize: 0, crop: 0 } : evaluation;
  return [
    `\`${name}\``,
    title,
    typeof classes === "number" ? String(classes) : "the folder's",
    `${width}x${height}`,
    AUGMENTATIONS[augmentation.kind](augmentation),
    evaluation === "as is" ? "as is" : `short side ${resize}, middle ${crop}`,
    `${normalization.mean.join(" ")} / ${normalization.deviation.join(" ")}`,
    `\`${defaults.data ?? "data/cifar-100-binary"}\``,
    defaultsText(row),
    archive === undefined ? "-" : `\`${archive.md5}\``,
  ];
};

const TITLES = [
  "`--dataset`",
  "data set",
  "classes",
  "image",
  "training",
  "evaluation",
  "mean / deviation",
  "`--data`",
  "defaults",
  "md5 of the archive",
];

/** The data sets as a table in markdown, from the registry. */
export const datasetsTable = () =>
  [TITLES, TITLES.map(() => "---"), ...DATASETS.rows().map(cells)].map((line) => `| ${line.join(" | ")} |`).join("\n");
