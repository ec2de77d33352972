// fails: contract/ may import only the packages zod, @temporalio/workflow.
export { createHash } from 'crypto';
