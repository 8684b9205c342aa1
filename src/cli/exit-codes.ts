/** How the command line ends; documented in its help. */
export const exitCodes = {
  ok: 0,
  /** The call was refused, or a job has not ended as done. */
  refused: 1,
  usage: 2,
} as const;
