// fails: cache/ may import clients, contract, domain.
export { createActivities } from '../../activities/index.ts';
