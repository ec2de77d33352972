// fails: engines/ may import simulators, contract, domain.
export { bundleWorkflows } from '../workers/workflow-bundle.ts';
