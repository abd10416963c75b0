import { parentPort } from "node:worker_threads";
import { loadThreadBinding } from "../../../runtime/threadBinding.js";
import { openImageReader } from "../reader.js";
import { examineImages } from "./examineImage.js";
import type { ToExamine } from "./types.js";

/** Examines the images of one job after another. */
const reader = openImageReader(loadThreadBinding());

parentPort?.on("message", (job: ToExamine) => {
  parentPort?.postMessage(examineImages(job, reader));
});
