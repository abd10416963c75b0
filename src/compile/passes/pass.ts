import type { RecordedStep } from "../record/recordedStep.js";

/** A change of a recorded step that leaves what it computes as it is, or as its precision has it. */
export type Pass = (step: RecordedStep) => RecordedStep;
