export interface B {
  readonly c: string;
}
