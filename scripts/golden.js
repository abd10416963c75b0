// npm run golden -- FILE...: compares files of reference numbers made by PyTorch with what this code computes.

const paths = process.argv.slice(2);

/** Checks one file and prints its line. @returns the exit code that it asks for */
async function check(path) {
  const { checkGoldenFile, formatGoldenResult } = await import("#pefd/golden/check.js");
  try {
    const result = checkGoldenFile(path);
    console.log(formatGoldenResult(result));
    return result.ok ? 0 : 1;
  } catch (error) {
    if (error?.name !== "PefdError") throw error;
    console.log(`${error.message}${error.hint ? ` ${error.hint}` : ""}  FAILED`);
    return error.exitCode;
  }
}

async function main() {
  if (paths.length === 0) {
    console.error("Which files? Usage: npm run golden -- FILE...");
    return 2;
  }
  const { loadTensorFlow } = await import("#pefd/runtime/tf.js");
  loadTensorFlow();
  const codes = [];
  for (const path of paths) codes.push(await check(path));
  return codes.find((code) => code !== 0) ?? 0;
}

process.exitCode = await main();
