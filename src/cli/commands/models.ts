import { threeDigits } from "../../common/text.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { modelNames } from "../../models/registry.js";
import { type ModelSurvey, surveyModel } from "../../models/survey.js";
import { fitLines, renderFitted } from "../../report/fit.js";
import { columns } from "../../report/table.js";
import type { Command } from "../command.js";
import { papers } from "../published.js";

const NOTE =
  "MACs: multiply-adds for an image of that side. MB: of the tensors on disk, in float32 and in int8 (pefd convert --int8).";

function row(survey: ModelSurvey): string[] {
  const { name, family, parameters, multiplyAdds, bytes, imageSize, features } = survey;
  return [
    name,
    family,
    parameters.toLocaleString("en"),
    `${threeDigits(multiplyAdds / 1e6)} M`,
    threeDigits(bytes.float32 / 1e6),
    threeDigits(bytes.int8 / 1e6),
    `${imageSize}`,
    features.map((shape) => shape.join("x")).join(" "),
  ];
}

/** pefd models: the registry, with parameter and multiply-add counts, and sizes on disk. */
export const command: Command = {
  sections: [DOCUMENT, GENERAL],
  examples: [["pefd models", "names for --model, --model_s and --model_t"]],
  async run({ output }) {
    const surveys = modelNames().map(surveyModel);
    const titles = columns("model", "family", ">parameters", ">MACs", ">MB", ">int8", ">side", "features");
    const table = renderFitted({ columns: titles, rows: surveys.map(row) }, output.width);
    const below = fitLines([NOTE, "", ...papers(surveys)].join("\n"), output.width);
    output.result([table, "", below].join("\n"), surveys);
  },
};
