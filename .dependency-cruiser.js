/** Finds import cycles, also those of type imports. eslint.config.js has the walls between the rooms. */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Move what both files need into a third file.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    // Without it, type imports are not seen.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(node_modules|dist|\\.stack|test/lint-fixtures)/' },
  },
};
