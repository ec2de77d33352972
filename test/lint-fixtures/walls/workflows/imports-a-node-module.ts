// fails: workflows/ may import only the packages @temporalio/workflow, @temporalio/common.
export { setTimeout } from 'node:timers/promises';
