import { b } from './b.ts';

export interface A {
  readonly b: typeof b;
}
