const MEGABYTE = 1e6;

/** Reports phases on stderr, and the progress of downloads on a terminal. */
export function progressOn(stream) {
  let isLineOpen = false;
  const clear = () => {
    if (isLineOpen) stream.write("\r\u001b[K");
    isLineOpen = false;
  };
  const onPhase = (text) => {
    clear();
    stream.write(`${text}\n`);
  };
  const onBytes = (done, total) => {
    if (!stream.isTTY) return;
    const percent = Math.min(100, Math.floor((100 * done) / total));
    stream.write(`\r  ${Math.round(done / MEGABYTE)} of ${total / MEGABYTE} MB (${percent} %)\u001b[K`);
    isLineOpen = true;
  };
  return { onPhase, onBytes, clear };
}
