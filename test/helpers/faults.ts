/** Whether the long form of tests that draw at random was asked for: PEFD_FAULTS=all. */
export const isLong = process.env.PEFD_FAULTS === "all";

/** As many draws as `npm test` has time for, or those of the long form. */
export const draws = (few: number, many: number): number => (isLong ? many : few);
