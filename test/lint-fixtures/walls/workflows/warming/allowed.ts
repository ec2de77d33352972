// passes
export { proxyActivities } from '@temporalio/workflow';
export { isId } from '../../domain/values/id.ts';
export type { Activities } from '../../activities/index.ts';
export { Messages } from '../../contract/messages.ts';
export { activityOptions } from '../activity-options.ts';
