/** Weights of the loss: gamma * cross entropy + alpha * KL + beta * the method's own terms. */
export interface LossWeights {
  readonly gamma: number;
  readonly alpha: number;
  readonly beta: number;
}

/** The loss with its numbers, such as "loss = 1 CE + 25 ours"; terms of weight 0 are not in it. */
export function lossFormula(method: string, { gamma, alpha, beta }: LossWeights): string {
  const terms: readonly (readonly [number, string])[] = [
    [gamma, "CE"],
    [alpha, "KL"],
    [beta, method],
  ];
  const told = terms.filter(([weight]) => weight !== 0).map((term) => term.join(" "));
  return `loss = ${told.join(" + ")}`;
}
