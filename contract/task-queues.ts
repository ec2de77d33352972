/** Task queues. They are separate so that a burst of one kind of work does not take the slots of the other. */
export const WARM_TASK_QUEUE = 'kol-warm';
export const SCORING_TASK_QUEUE = 'kol-scoring';
export const TASK_QUEUES = [WARM_TASK_QUEUE, SCORING_TASK_QUEUE] as const;
/**
 * The slices of the scoring loops run on a queue of their own: its slots limit how many partitions a worker takes, and steering never
 * waits for a slot. A worker that serves the scoring queue serves this one too.
 */
export const SLICE_TASK_QUEUE = 'kol-scoring-slices';
