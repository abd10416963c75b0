// The script of the page of `pefd convert --page` (classify.html): classifies pictures that are dropped or chosen, with the
// preprocessing of `pefd predict`. Before it stand plainResize and evaluationView (src/data/images), and tf is TensorFlow.js.

/** @typedef {{ height: number, width: number }} Size */
/** @typedef {{ artifacts: object, weights: string, classes: string[], mean: number[], deviation: number[], crop: { resize: number, crop: number } }} Data */

/** Classes that are shown. */
const SHOWN = 5;

const element = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * The pixels of a picture [H, W, 3] as they are in the file.
 * @param {Blob} blob
 */
async function pixelsOf(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { height, width } = bitmap;
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    new OffscreenCanvas(width, height).getContext("2d")
  );
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return { height, width, bytes: data.filter((_, i) => i % 4 !== 3) };
}

/**
 * @param {any} tf
 * @param {(pixels: ArrayLike<number>, image: Size, view: object) => Uint8Array} resize
 * @param {(image: Size, crop: Data["crop"]) => object} viewOf
 */
function start(tf, resize, viewOf) {
  /** @type {Data} */
  const { artifacts, weights, classes, mean, deviation, crop } = JSON.parse(element("data").textContent ?? "");
  const weightData = Uint8Array.from(atob(weights), (char) => char.charCodeAt(0)).buffer;
  const model = tf.loadGraphModelSync(tf.io.fromMemorySync({ ...artifacts, weightData }));
  const probabilitiesOf = (/** @type {Size & { bytes: ArrayLike<number> }} */ image) =>
    tf.tidy(() => {
      const pixels = resize(image.bytes, image, viewOf(image, crop));
      const input = tf.tensor4d(Float32Array.from(pixels), [1, crop.crop, crop.crop, 3]);
      return model.predict(tf.div(tf.sub(tf.div(input, 255), mean), deviation)).probabilities.dataSync();
    });
  const classify = async (/** @type {File | undefined} */ file) => {
    if (file === undefined) return;
    /** @type {HTMLImageElement} */ (element("picture")).src = URL.createObjectURL(file);
    element("status").textContent = "…";
    const lines = await pixelsOf(file).then(
      (image) => {
        const shares = Array.from(probabilitiesOf(image), (share, label) => ({ share, name: classes[label] ?? "" }));
        const best = shares.sort((a, b) => b.share - a.share).slice(0, SHOWN);
        return best.map(({ name, share }) => `${name} ${(100 * share).toFixed(2)} %`);
      },
      () => undefined,
    );
    element("status").textContent = lines ? file.name : `${file.name} is not a picture that this browser can read.`;
    element("classes").replaceChildren(
      ...(lines ?? []).map((text) => Object.assign(document.createElement("li"), { textContent: text })),
    );
  };
  const chosen = /** @type {HTMLInputElement} */ (element("file"));
  chosen.addEventListener("change", () => classify(chosen.files?.[0]));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    classify(event.dataTransfer?.files[0]);
  });
}

// @ts-expect-error These three are in the page.
start(tf, plainResize, evaluationView);
