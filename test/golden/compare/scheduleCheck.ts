import { learningRateAt } from "#pefd/learn/schedule.js";
import { type Check, checkNumbers } from "./comparison.js";
import type { ScheduleGolden } from "./schema.js";

/** Compares the learning rate of every epoch, exactly. */
export const checkSchedule = (golden: ScheduleGolden): Check[] =>
  Object.entries(golden).map(([name, { lr, ...schedule }]) => {
    const rates = lr.map((_, i) => learningRateAt(i + 1, schedule));
    return checkNumbers(name, rates, lr, () => 0);
  });
