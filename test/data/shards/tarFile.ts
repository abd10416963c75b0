import { Header } from "tar";

const BLOCK = 512;

/** A tar archive of some files, as others write it. */
export function tarOf(files: readonly (readonly [name: string, bytes: string | Uint8Array])[]) {
  const blocks = files.flatMap(([path, content]) => {
    const bytes = Buffer.from(content);
    const header = new Header({ path, size: bytes.length, mode: 0o644, type: "File" });
    header.encode();
    return [header.block as Buffer, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}
