/** The messages in a pcapng of exported PDUs, as another than its writer reads them: block by block, tag by tag. */

export interface ReadPacket {
  /** The interface's name. */
  readonly from: string;
  readonly atMs: number;
  readonly dissector: string;
  readonly message: Uint8Array;
}
export interface ReadCapture {
  readonly interfaces: ReadonlyArray<string>;
  readonly packets: ReadonlyArray<ReadPacket>;
  /** By interface: how many were received, and how many of them are not in it. Empty where the file was not ended. */
  readonly ends: ReadonlyArray<readonly [received: number, dropped: number]>;
}

const SECTION = 0x0a0d0d0a;
const text = new TextDecoder();

/** Of whole blocks; throws for what is none. */
export const readPcapng = (bytes: Uint8Array): ReadCapture => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const interfaces: Array<string> = [];
  const packets: Array<ReadPacket> = [];
  const ends: Array<readonly [number, number]> = [];
  for (let at = 0; at < bytes.length; ) {
    const [type, size] = [view.getUint32(at), view.getUint32(at + 4)];
    if (size < 12 || size % 4 !== 0 || view.getUint32(at + size - 4) !== size) throw new Error(`no block at ${at}`);
    const body = at + 8;
    if (at === 0 && (type !== SECTION || view.getUint32(body) !== 0x1a2b3c4d)) throw new Error("no section");
    if (type === 1) interfaces.push(text.decode(tagsAt(view, body + 8, at + size - 4).get(2)));
    if (type === 5) {
      const counts = tagsAt(view, body + 12, at + size - 4);
      const count = (code: number) => Number(new DataView(Uint8Array.from(counts.get(code)!).buffer).getBigUint64(0));
      ends[view.getUint32(body)] = [count(4), count(5)];
    }
    if (type === 6) {
      const kept = new Uint8Array(bytes.subarray(body + 20, body + 20 + view.getUint32(body + 12)));
      const inner = new DataView(kept.buffer);
      const tags = tagsAt(inner, 0, kept.length);
      packets.push({
        from: interfaces[view.getUint32(body)]!,
        atMs: Number(view.getBigUint64(body + 4)),
        dissector: text.decode(tags.get(12)).replace(/\0+$/, ""),
        message: kept.slice(tags.end),
      });
    }
    at += size;
  }
  return { interfaces, packets, ends };
};

/** By code, up to the one that ends them, and where that is. */
const tagsAt = (view: DataView, from: number, to: number) => {
  const tags = new Map<number, Uint8Array>();
  let at = from;
  while (at + 4 <= to) {
    const [code, size] = [view.getUint16(at), view.getUint16(at + 2)];
    at += 4;
    if (code === 0) break;
    tags.set(code, new Uint8Array(view.buffer, view.byteOffset + at, size));
    at += size + (-size & 3);
  }
  return Object.assign(tags, { end: at });
};
