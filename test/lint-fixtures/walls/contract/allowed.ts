// passes
export { defineSignal } from '@temporalio/workflow';
export { z } from 'zod';
export { isId } from '../domain/values/id.ts';
