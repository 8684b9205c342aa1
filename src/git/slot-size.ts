/** Room that an idle slot takes. */
export interface SlotSize {
  bytes: number;
  inodes: number;
}

const BLOCK_BYTES = 4_096;

/** Room that a file of so many bytes takes on a disk, in bytes. */
export const roomOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES;
