/** Task queues. They are separate so that a burst of one kind of work does not take the slots of the other. */
export const WARM_TASK_QUEUE = 'kol-warm';
export const SCORING_TASK_QUEUE = 'kol-scoring';
export const TASK_QUEUES = [WARM_TASK_QUEUE, SCORING_TASK_QUEUE] as const;
/**
 * The task queue of slices. Its slots limit the partitions of a worker, and because it is separate, updates of loops never wait for a slot.
 * A worker that serves the scoring queue serves this one too.
 */
export const SLICE_TASK_QUEUE = 'kol-scoring-slices';
