import { parentPort, workerData } from "node:worker_threads";
import { PefdError } from "../../common/errors.js";
import { loadThreadBinding } from "../../runtime/threadBinding.js";
import { imageName, readImage } from "../images/places.js";
import { openReencoder, type ReencodeAnswer, type ReencodeWork } from "./reencode.js";

/** Makes the images smaller that it is sent the numbers of. */
const { places, reencoding } = workerData as ReencodeWork;
const reencode = openReencoder(loadThreadBinding(), reencoding);

function answerTo(image: number): ReencodeAnswer {
  try {
    return { packed: reencode(imageName(places, image), readImage(places, image)) };
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    return { problem: { message: error.message, hint: error.hint } };
  }
}

parentPort?.on("message", (image: number) => parentPort?.postMessage(answerTo(image)));
