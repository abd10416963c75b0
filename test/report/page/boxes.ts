/**
 * What of a page's words cannot be read, as an expression for a browser: letters that reach out of their drawing, words
 * of a drawing that lie upon each other, boxes of the page whose words are cut off, a page that scrolls sideways.
 * @returns sentences, none where all is whole
 */
export const CUT_WORDS = `(() => {
  const found = [];
  const shown = (element) => element.getClientRects().length > 0;
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push("the page scrolls sideways: " + root.scrollWidth);
  for (const svg of [...document.querySelectorAll("figure svg")].filter(shown)) {
    const outer = svg.getBoundingClientRect();
    const name = svg.getAttribute("aria-label");
    const texts = [...svg.querySelectorAll("text")].map((text) => ({
      text: text.textContent, box: text.getBoundingClientRect(),
    }));
    for (const { text, box } of texts) {
      const inside = box.left >= outer.left - 0.5 && box.right <= outer.right + 0.5 &&
        box.top >= outer.top - 0.5 && box.bottom <= outer.bottom + 0.5;
      if (!inside) found.push(name + ": " + text + " is cut");
      if (box.height < 8) found.push(name + ": " + text + " is " + box.height + " pixels high");
    }
    for (const [at, one] of texts.entries()) {
      for (const other of texts.slice(at + 1)) {
        const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        if (across > 2 && down > 3) found.push(name + ": " + one.text + " lies upon " + other.text);
      }
    }
  }
  const boxes = "th, td, p, li, h1, h2, summary, button, label, figure, .wide";
  for (const box of [...document.querySelectorAll(boxes)].filter(shown)) {
    if (box.closest(".scrolled")) continue;
    if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).display !== "inline") {
      found.push(box.tagName + " is cut: " + box.textContent.slice(0, 60));
    }
    const { left, right } = box.getBoundingClientRect();
    if (left < -0.5 || right > root.clientWidth + 0.5) {
      found.push(box.tagName + " reaches out of the page: " + box.textContent.slice(0, 60));
    }
  }
  return found;
})()`;
