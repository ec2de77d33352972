import tseslint from 'typescript-eslint';

/**
 * The import law: data flows workflows -> activities -> clients -> engines, and `domain` is pure.
 * `allowTypeImports` lets workflows see the activities' types, which vanish when the bundle is made.
 */
const wall = (files, patterns) => ({
  files,
  rules: {
    '@typescript-eslint/no-restricted-imports': ['error', { patterns }],
  },
});
const ours = (...folders) => folders.map((folder) => `**/${folder}/**`);

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
    },
  },
  {
    // The edges that may look at the environment: the config module itself and what prepares it.
    files: ['config/**', 'cli/environment.ts', 'engines/**', 'test/**', '*.config.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  wall(
    ['domain/**'],
    [
      {
        group: [
          ...ours(
            'workflows',
            'activities',
            'clients',
            'cache',
            'workers',
            'api',
            'cli',
            'engines',
            'config',
          ),
          'node:*',
        ],
        message: 'domain is pure: it imports nothing of ours and does no I/O.',
      },
    ],
  ),
  wall(
    ['workflows/**'],
    [
      {
        group: [
          ...ours('activities', 'clients', 'cache', 'workers', 'api', 'cli', 'engines', 'config'),
          'node:*',
          'ioredis',
          'kafkajs',
          'express',
          'trino-client',
          'undici',
        ],
        allowTypeImports: true,
        message: 'Workflow code is deterministic: import types of activities only.',
      },
    ],
  ),
  wall(
    ['clients/**'],
    [
      {
        group: ours('workflows', 'activities', 'cache', 'workers', 'api', 'cli', 'engines'),
        message: 'A client knows one engine, and domain.',
      },
    ],
  ),
  wall(
    ['activities/**', 'cache/**'],
    [
      {
        group: ours('workers', 'api', 'cli', 'engines'),
        message: 'Activities use cache, clients and domain.',
      },
    ],
  ),
  wall(
    ['triggers/**'],
    [
      {
        group: ours('activities', 'cache', 'workers', 'api', 'cli', 'engines'),
        message:
          'A trigger starts or signals workflows for whoever asks: it knows clients, workflows and domain.',
      },
    ],
  ),
  wall(
    ['api/**'],
    [
      {
        group: ours('activities', 'workers', 'cli', 'engines'),
        message: 'The API reads through cache and clients.',
      },
    ],
  ),
  { files: ['**/*.js', '**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
);
