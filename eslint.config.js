import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['dist', '.tap', 'node_modules'] }),
  // A TypeBox schema and the type read from it share one name, which this rule takes for a mistake.
  { rules: { '@typescript-eslint/no-redeclare': 'off' } }
]
