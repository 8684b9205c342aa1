import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { removeFile } from './remove-file.js';

/** Numbers of the kinds in a pack. */
const kinds = { tree: 2, blob: 3 };
const PACK_VERSION = 2;
const INDEX_SIGNATURE = Buffer.from([0xff, 0x74, 0x4f, 0x63]);
const INDEX_VERSION = 2;
const BYTE_VALUES = 256;
const NOT_COMPRESSED = { level: 0, memLevel: 1 };

interface Packed {
  id: Buffer;
  offset: number;
  crc: number;
}

/**
 * Objects for a git directory, written as one pack with its index: gitformat-pack(5). Meant for few and small ones that
 * are read once and soon: they are held in memory, and none is compressed.
 */
export class ObjectPack {
  private readonly objects = new Map<string, Packed>();
  private readonly chunks: Buffer[] = [];
  private bytes = numbers([0, 0, 0]).length;

  /** `idBytes` is 20 for SHA-1, 32 for SHA-256. */
  constructor(readonly idBytes: number) {}

  /** Gives the object's id, in hexadecimal. */
  add(kind: keyof typeof kinds, content: Buffer): string {
    const digest = this.hash([Buffer.from(`${kind} ${content.length}\0`), content]);
    const id = digest.toString('hex');
    if (this.objects.has(id)) return id;
    const packed = Buffer.concat([header(kinds[kind], content.length), deflateSync(content, NOT_COMPRESSED)]);
    this.objects.set(id, { id: digest, offset: this.bytes, crc: crc32(packed) });
    this.chunks.push(packed);
    this.bytes += packed.length;
    return id;
  }

  /** Puts the pack where git looks for objects; again, where it lies there already. Nothing waits for the disk. */
  place(objectsDirectory: string): void {
    const directory = join(objectsDirectory, 'pack');
    mkdirSync(directory, { recursive: true });
    const content = [Buffer.from('PACK'), numbers([PACK_VERSION, this.objects.size]), ...this.chunks];
    const checksum = this.hash(content);
    const path = join(directory, `pack-${checksum.toString('hex')}`);
    // git takes a pack for one when it finds its index.
    for (const [end, file] of [
      ['pack', Buffer.concat([...content, checksum])],
      ['idx', this.index(checksum)],
    ] as const) {
      const temporary = `${path}.${end}.tmp`;
      try {
        writeFileSync(temporary, file);
      } catch (error) {
        removeFile(temporary);
        throw error;
      }
      renameSync(temporary, `${path}.${end}`);
    }
  }

  private index(packChecksum: Buffer): Buffer {
    const sorted = [...this.objects.values()].sort((one, other) => one.id.compare(other.id));
    const upTo = new Array<number>(BYTE_VALUES).fill(0);
    for (const { id } of sorted) upTo[id[0] ?? 0] = (upTo[id[0] ?? 0] ?? 0) + 1;
    for (let value = 1; value < BYTE_VALUES; value += 1)
      upTo[value] = (upTo[value] ?? 0) + (upTo[value - 1] ?? 0);
    const content = [
      INDEX_SIGNATURE,
      numbers([INDEX_VERSION, ...upTo]),
      ...sorted.map(({ id }) => id),
      numbers(sorted.map(({ crc }) => crc)),
      numbers(sorted.map(({ offset }) => offset)),
      packChecksum,
    ];
    return Buffer.concat([...content, this.hash(content)]);
  }

  private hash(parts: readonly Buffer[]): Buffer {
    const hash = createHash(this.idBytes === 20 ? 'sha1' : 'sha256');
    for (const part of parts) hash.update(part);
    return hash.digest();
  }
}

/** In four bytes each, the highest first. */
function numbers(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
  return bytes;
}

/** Kind and size of an object: four bits of the size in the first byte, seven in each that follows. */
function header(kind: number, size: number): Buffer {
  const bytes = [(kind << 4) | (size & 0x0f)];
  for (let rest = size >>> 4; rest > 0; rest >>>= 7) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(rest & 0x7f);
  }
  return Buffer.from(bytes);
}
