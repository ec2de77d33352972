// fails: workflows/ may import only the packages @temporalio/workflow, @temporalio/common.
export * from 'express';
