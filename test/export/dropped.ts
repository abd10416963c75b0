import type { Tab } from "../report/page/browser.js";

/** Drops a file on the page and waits for what it says. @returns lines such as "apple 12.34 %", most probable first */
export const dropped = (tab: Tab, name: string, bytes: Uint8Array): Promise<string[]> =>
  tab.evaluate(`(async () => {
    const bytes = Uint8Array.from(atob("${Buffer.from(bytes).toString("base64")}"), (char) => char.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], "${name}", { type: "image/png" }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
    const status = document.getElementById("status");
    while (!status.textContent.startsWith("${name}")) await new Promise((done) => setTimeout(done, 20));
    return Array.from(document.querySelectorAll("#classes li"), ({ textContent }) => textContent);
  })()`);
