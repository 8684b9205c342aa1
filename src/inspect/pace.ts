/** A viewer hears of one job at most ten times a second. */
export const TOGETHER_MS = 100;
/** How much of the time telling may take: one part in this many. The more jobs are at work, the rarer a frame. */
export const TELLING_SHARE = 64;
