// passes
export { isId } from '../values/id.ts';
