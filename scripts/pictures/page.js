// The picture of the report's page: node scripts/pictures/page.js RUNS FILE.png [WIDTHxHEIGHT]. Takes a Chromium.
import { join } from "node:path";
import { drawPage, must, PEFD } from "./chromium.js";

const [runs, picture, size = "1280x1000"] = process.argv.slice(2);
if (runs === undefined || picture === undefined) {
  console.error("node scripts/pictures/page.js RUNS FILE.png [WIDTHxHEIGHT]");
  process.exit(2);
}

drawPage(picture, (folder) => {
  const page = join(folder, "report.html");
  must(process.execPath, [PEFD, "report", runs, "--html", page]);
  return { page, size: size.split("x") };
});
