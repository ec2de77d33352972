// fails: clients/ may import only types of config.
export { readConfig } from '../../config/config.ts';
