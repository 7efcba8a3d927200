/** Comparing more runs than these side by side is the work of the table and of parallel coordinates. */
export const COMPARED_RUNS = 50;
