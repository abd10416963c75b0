import { DATASETS } from "../../dist/data/registry.js";

const AUGMENTATIONS = {
  shift: ({ padding }) => `random crop, padding ${padding}, flip`,
  rotation: ({ degrees }) => `rotation by up to ${degrees} degrees, flip`,
  "resized crop": ({ scale }) => `random resized crop, scale ${scale.join(" to ")}, flip`,
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
    evaluation === "as is" ? "as is" : `resize ${resize}, center crop ${crop}`,
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
