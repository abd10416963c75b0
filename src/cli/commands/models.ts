import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { modelNames } from "../../models/registry.js";
import { type ModelSurvey, surveyModel } from "../../models/survey.js";
import { fitLines, renderFitted } from "../../report/fit.js";
import { columns } from "../../report/table.js";
import type { Command } from "../command.js";

function row(survey: ModelSurvey): string[] {
  const { name, family, parameters, multiplyAdds, bytes, imageSize, features } = survey;
  return [
    name,
    family,
    parameters.toLocaleString("en"),
    `${(multiplyAdds / 1e6).toFixed(1)} M`,
    (bytes.float32 / 1e6).toFixed(2),
    (bytes.int8 / 1e6).toFixed(2),
    `${imageSize}x${imageSize}`,
    features.map((shape) => shape.join("x")).join(" "),
  ];
}

function papers(surveys: readonly ModelSurvey[]): string[] {
  return [...new Set(surveys.map(({ paper }) => paper))].map((paper) => {
    const names = surveys.filter((survey) => survey.paper === paper).map(({ name }) => name);
    return `${names.join(", ")}:\n  ${paper}`;
  });
}

/** pefd models: the registry, with parameter and multiply-add counts, and sizes on disk. */
export const command: Command = {
  sections: [DOCUMENT, GENERAL],
  examples: [["pefd models", "names for --model, --model_s and --model_t"]],
  async run({ output }) {
    const surveys = modelNames().map(surveyModel);
    const titles = columns(
      "model",
      "family",
      ">parameters",
      ">multiply-adds",
      ">MB",
      ">MB in int8",
      "images",
      "features",
    );
    const table = renderFitted({ columns: titles, rows: surveys.map(row) }, output.width);
    const below = fitLines(papers(surveys).join("\n"), output.width);
    output.result([table, "", below].join("\n"), surveys);
    return undefined;
  },
};
