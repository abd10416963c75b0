import { DOCUMENT, GENERAL } from "../../config/options.js";
import { modelNames } from "../../models/registry.js";
import { type ModelSurvey, surveyModel } from "../../models/survey.js";
import { columns, renderText } from "../../report/table.js";
import type { Command } from "../command.js";

const millions = (count: number): string => `${(count / 1e6).toFixed(2)} M`;

function row(survey: ModelSurvey): string[] {
  const { name, family, parameters, multiplyAdds, featureSize, imageSize, paper } = survey;
  const sizes = [millions(parameters), millions(multiplyAdds), String(featureSize)];
  return [name, family, ...sizes, `${imageSize}x${imageSize}`, paper];
}

/** pefd models: the registry, with what follows from the layers' shapes. */
export const command: Command = {
  sections: [DOCUMENT, GENERAL],
  examples: [["pefd models", "names for --model, --model_s and --model_t"]],
  async run({ output }) {
    const models = modelNames().map(surveyModel);
    const titles = columns(
      "model",
      "family",
      ">parameters",
      ">multiply-adds",
      ">features",
      "images",
      "paper",
    );
    output.result(renderText({ columns: titles, rows: models.map(row) }), models);
    return undefined;
  },
};
