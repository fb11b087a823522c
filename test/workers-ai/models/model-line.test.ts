import t from 'tap'
import { toNewestOfLine } from '../../../src/workers-ai/models/model-line.ts'

const cases = [
  { name: 'a new version', given: '@cf/moonshotai/kimi-k3', expected: '@cf/moonshotai/kimi-k2.6' },
  { name: 'a new version for something special', given: '@cf/moonshotai/kimi-k3-code', expected: '@cf/moonshotai/kimi-k2.7-code' },
  { name: 'a variant of a version', given: '@cf/moonshotai/kimi-k2.6-turbo', expected: '@cf/moonshotai/kimi-k2.6' },
  { name: 'the highest version', given: '@cf/zai-org/glm-6', expected: '@cf/zai-org/glm-5.3' },
  { name: 'a small one', given: '@cf/zai-org/glm-6-flash', expected: '@cf/zai-org/glm-5.3' },
  { name: 'sizes are no versions', given: '@cf/google/gemma-5-27b-it', expected: '@cf/google/gemma-4-26b-a4b-it' },
  { name: 'the same version in another size', given: '@cf/qwen/qwen3-235b-a22b', expected: '@cf/qwen/qwen3-30b-a3b-fp8' },
  { name: 'a version between', given: '@cf/meta/llama-3.4-9b-instruct', expected: '@cf/meta/llama-3.3-70b-instruct-fp8-fast' },
  { name: 'a line without versions', given: '@cf/openai/gpt-oss-200b', expected: '@cf/openai/gpt-oss-20b' },
  { name: 'a line within a line', given: '@cf/deepseek-ai/deepseek-v5', expected: '@cf/deepseek-ai/deepseek-v4-flash-0731' },
  { name: 'another line of a maker', given: '@cf/moonshotai/moonlight-1', expected: undefined },
  { name: 'a name of another maker', given: '@cf/new/kimi-k3', expected: undefined },
  { name: 'an embedding model is no line to chat with', given: '@cf/baai/bge-m4', expected: undefined }
]
for (const { name, given, expected } of cases) t.equal(toNewestOfLine(given)?.id, expected, name)
