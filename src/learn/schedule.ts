/** Step decay of the learning rate. */
export interface Schedule {
  readonly learningRate: number;
  readonly decayEpochs: readonly number[];
  readonly decayRate: number;
}

/**
 * The learning rate of an epoch, as the paper's adjust_learning_rate: learningRate * decayRate ** n with n the number
 * of decay epochs before this one.
 * @param epoch 1-based
 */
export function learningRateAt(epoch: number, schedule: Schedule): number {
  const { learningRate, decayEpochs, decayRate } = schedule;
  const decays = decayEpochs.filter((decayEpoch) => epoch > decayEpoch).length;
  return decays === 0 ? learningRate : learningRate * decayRate ** decays;
}
