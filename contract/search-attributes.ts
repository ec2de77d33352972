/** Search attributes that the workflows set, with their types. The namespace must have them (docs/deployment.md). */
export const SEARCH_ATTRIBUTES = {
  KolWarmTrigger: 'KEYWORD',
  KolWarmParts: 'KEYWORD_LIST',
  KolWarmRequestedBy: 'KEYWORD',
  KolTopic: 'KEYWORD',
  KolLoopState: 'KEYWORD',
} as const;
