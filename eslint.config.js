import neostandard, { plugins } from 'neostandard'

const typescript = plugins['typescript-eslint']

export default [
  ...neostandard({ ts: true, ignores: ['dist', '.tap', 'node_modules'] }),
  // A TypeBox schema and the type read from it share one name, which this rule takes for a mistake.
  { rules: { '@typescript-eslint/no-redeclare': 'off' } },
  {
    files: ['src/**/*.{ts,tsx}'],
    languageOptions: { parser: typescript.parser, parserOptions: { project: ['./tsconfig.json', './src/ui/tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    plugins: { '@typescript-eslint': typescript.plugin },
    rules: {
      // A rejection that nobody handles ends the process; `void` says that there can be none.
      '@typescript-eslint/no-floating-promises': 'error',
      'no-void': ['error', { allowAsStatement: true }],
      'max-len': ['error', { code: 140, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true, ignoreUrls: true }]
    }
  }
]
