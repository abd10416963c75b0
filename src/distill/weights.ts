/** Weights of the loss: gamma * cross entropy + alpha * KL + beta * the method's own terms. */
export type LossWeights = { readonly gamma: number; readonly alpha: number; readonly beta: number };

/** One weight, or one per method of a sum. */
export type Beta = number | readonly number[];

/** As typed: 0.8+1. */
export const betaText = (beta: Beta): string => [beta].flat().join("+");

/** The loss as text, such as "loss = 1 CE + 25 ours", without zero weights. */
export function lossFormula(
  methods: readonly string[],
  { gamma, alpha, beta }: Omit<LossWeights, "beta"> & { readonly beta: Beta },
): string {
  const terms: readonly (readonly [number, string])[] = [
    [gamma, "CE"],
    [alpha, "KL"],
    ...[beta].flat().map((weight, i) => [weight, methods[i] ?? ""] as const),
  ];
  const told = terms.filter(([weight]) => weight !== 0).map((term) => term.join(" "));
  return `loss = ${told.join(" + ")}`;
}
