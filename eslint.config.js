import tseslint from 'typescript-eslint';

/**
 * The import laws. Each row is a room, that is a folder of the repository, with the rooms or files that it may import.
 * An import that no row allows is an error. Fixtures in test/lint-fixtures prove each wall.
 *
 * - `types`: rooms of which only types may be imported. Types vanish when the code is compiled.
 * - `packages`: the only packages that the room may import. Without this list the room may import every package and `node:` module.
 */
const ROOMS = {
  domain: { imports: [], packages: [] },
  contract: { imports: ['domain'], packages: ['zod', '@temporalio/workflow'] },
  // Temporal replays workflow code, so it must be deterministic: no I/O, no clients, only types of activities.
  workflows: {
    imports: ['contract', 'domain'],
    types: ['activities'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  config: { imports: ['contract', 'domain'] },
  clients: { imports: ['contract', 'domain'], types: ['config'] },
  cache: { imports: ['clients', 'contract', 'domain'] },
  activities: { imports: ['cache', 'clients', 'contract', 'domain'] },
  api: { imports: ['cache', 'clients', 'contract', 'domain', 'config'] },
  cli: { imports: ['cache', 'clients', 'contract', 'domain', 'config'] },
  // The workflow bundle is built from a path, so the worker imports no workflow code.
  workers: { imports: ['activities', 'cache', 'clients', 'contract', 'domain', 'config'] },
  // Below are rooms that production does not run. Tests may import every room and have no row.
  simulators: { imports: ['domain', 'clients/lakehouse/sql.ts'] },
  engines: { imports: ['simulators', 'contract', 'domain'] },
  bench: { imports: ['engines', 'simulators', 'clients', 'contract', 'domain'] },
  docs: { imports: ['cache', 'config', 'contract', 'domain'] },
};
const NOT_IN_PRODUCTION = ['simulators', 'engines', 'bench', 'docs'];
const PRODUCTION = Object.keys(ROOMS).filter((room) => !NOT_IN_PRODUCTION.includes(room));

/** The rule for one row of the table. */
function wall([room, { imports, types = [], packages }]) {
  const others = [...Object.keys(ROOMS), 'test'].filter((other) => other !== room);
  const allowed = [...imports, ...types];
  const patterns = [
    {
      regex: pathInto(others, allowed),
      message: `${room}/ may import ${imports.length > 0 ? imports.join(', ') : 'no other room'}${
        types.length > 0 ? `, and types of ${types.join(', ')}` : ''
      }.`,
    },
  ];
  if (types.length > 0) {
    patterns.push({
      regex: pathInto(types),
      allowTypeImports: true,
      message: `${room}/ may import only types of ${types.join(', ')}.`,
    });
  }
  if (packages) {
    patterns.push({
      regex: `^(?!\\.|(?:${packages.join('|')})$)`,
      message: `${room}/ may import ${packages.length > 0 ? `only the packages ${packages.join(', ')}` : 'no package'}.`,
    });
  }
  return {
    files: [`${room}/**`],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
  };
}

/** Matches relative paths into rooms, except paths into `allowed`: rooms, or single files. */
function pathInto(rooms, allowed = []) {
  const except = allowed.map((path) => (path.endsWith('.ts') ? `${path}$` : `${path}/`));
  return `^(?:\\.\\./)+${except.length > 0 ? `(?!${except.join('|')})` : ''}(?:${rooms.join('|')})/`;
}

const restrictSyntax = (files, restrictions) => ({
  files,
  rules: { 'no-restricted-syntax': ['error', ...restrictions] },
});

const DYNAMIC_IMPORTS = [
  { selector: 'ImportExpression', message: 'Import statically: the import laws do not check import().' },
];
/** The id, the options and the conflict policy of a workflow belong together: one place starts each workflow. */
const WORKFLOW_STARTS = [
  ['workflow', 'start|execute|signalWithStart|startUpdateWithStart|executeUpdateWithStart'],
  ['schedule', 'create'],
].map(([client, methods]) => ({
  selector: `CallExpression[callee.property.name=/^(${methods})$/]:matches([callee.object.name=/${client}/i], [callee.object.property.name=/${client}/i])`,
  message: 'Only clients/temporal starts workflows and creates schedules.',
}));

/** The version of kafkajs is pinned, and each use of its internals is a risk at an upgrade: one folder has all of them. */
const KAFKAJS_INTERNALS = 'Only clients/kafka/kafkajs and its tests may use internals of kafkajs.';
const PRIVATE_SYMBOLS = [
  { selector: 'MemberExpression[property.name="getOwnPropertySymbols"]', message: KAFKAJS_INTERNALS },
];

export default tseslint.config(
  { ignores: ['dist/', '.stack/', 'node_modules/', 'test/lint-fixtures/'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `return promise` inside try skips the catch.
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Configuration comes from config/.' },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', 300],
    },
  },
  // A longer function becomes named steps. The body of a test's `describe` may be longer.
  { ignores: ['test/**'], rules: { 'max-lines-per-function': ['error', 80] } },
  {
    // These read the environment: the config module, and programs that prepare it.
    files: [
      'config/**',
      'cli/read-config.ts',
      'engines/**',
      'simulators/environment.ts',
      'test/**',
      '*.config.ts',
    ],
    rules: { 'no-restricted-properties': 'off' },
  },
  ...Object.entries(ROOMS).map(wall),
  // For a file, the last of these entries replaces the others.
  restrictSyntax(
    PRODUCTION.map((room) => `${room}/**`),
    [...DYNAMIC_IMPORTS, ...WORKFLOW_STARTS, ...PRIVATE_SYMBOLS],
  ),
  restrictSyntax(['clients/temporal/**'], [...DYNAMIC_IMPORTS, ...PRIVATE_SYMBOLS]),
  restrictSyntax(['clients/kafka/kafkajs/**'], [...DYNAMIC_IMPORTS, ...WORKFLOW_STARTS]),
  {
    // The core rule, because the walls above configure the one of typescript-eslint.
    ignores: ['**/clients/kafka/kafkajs/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [{ name: 'node:module', importNames: ['createRequire'], message: KAFKAJS_INTERNALS }],
          patterns: [{ regex: '^kafkajs/', message: KAFKAJS_INTERNALS }],
        },
      ],
    },
  },
  { files: ['**/*.js', '**/*.mjs', '**/*.cjs'], extends: [tseslint.configs.disableTypeChecked] },
);
