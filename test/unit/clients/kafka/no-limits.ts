import type { TopicLimits } from '../../../../clients/kafka/message-limits.ts';

/** Topics that accept everything. */
export const NO_LIMITS: TopicLimits = {
  of: (topics) =>
    Promise.resolve(new Map(topics.map((topic) => [topic, { topic, bytes: Infinity, setting: '' }]))),
  forget: () => {},
  refused: () => {},
  close: () => Promise.resolve(),
};
