// fails: workflows/ may import only types of activities.
export { createActivities } from '../activities/index.ts';
