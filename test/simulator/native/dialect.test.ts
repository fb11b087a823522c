import t from 'tap'
import { toDialect, type Dialect } from '../../../src/simulator/native/dialect.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { GPT_OSS, KIMI, LLAMA, LLAMA_4, MISTRAL, QWEN } from '../asking.ts'

const cases: Array<{ name: string, model: string, expected: Partial<Dialect> }> = [
  { name: 'llama is classic throughout', model: LLAMA, expected: { answer: 'classic', stream: 'classic', calls: 'flat', leak: 'llama', reasoning: 'none', strictTools: false, defaultLimit: 256 } },
  { name: 'llama 4 streams a hybrid and wraps its calls', model: LLAMA_4, expected: { answer: 'classic', stream: 'hybrid', calls: 'wrapped', strictTools: true } },
  { name: 'mistral wraps its calls and leaks tags', model: MISTRAL, expected: { answer: 'classic', stream: 'classic', calls: 'wrapped', leak: 'tool_call' } },
  { name: 'qwen3 is classic in and OpenAI-shaped out', model: QWEN, expected: { answer: 'openai', stream: 'openai', usage: 'running', reasoning: 'reasoning_content', strictTools: false, defaultLimit: 256 } },
  { name: 'glm counts on every chunk', model: '@cf/zai-org/glm-5.2', expected: { usage: 'running', thinkingSwitch: 'enable_thinking' } },
  { name: 'kimi numbers its calls and has a switch of its own', model: KIMI, expected: { answer: 'openai', usage: 'trailer', callIds: 'kimi', thinkingSwitch: 'thinking', defaultLimit: undefined } },
  { name: 'gemma 4 thinks elsewhere', model: '@cf/google/gemma-4-26b-a4b-it', expected: { reasoning: 'reasoning', leak: 'gemma' } },
  { name: 'kimi, deepseek and glm leak what their templates write', model: '@cf/moonshotai/kimi-k2.6', expected: { leak: 'kimi' } },
  { name: 'deepseek DSML', model: '@cf/deepseek-ai/deepseek-v4-flash-0731', expected: { leak: 'dsml' } },
  { name: 'glm its pairs', model: '@cf/zai-org/glm-4.7-flash', expected: { leak: 'glm' } },
  { name: 'deepseek v4 thinks only when asked to', model: '@cf/deepseek-ai/deepseek-v4-flash-0731', expected: { reasoning: 'reasoning_content', thinksUnasked: false } },
  { name: 'the r1 distillate thinks in tags that are open already', model: '@cf/deepseek-ai/deepseek-r1-distill-qwen-32b', expected: { answer: 'classic', reasoning: 'open-tags' } },
  { name: 'so does qwq', model: '@cf/qwen/qwq-32b', expected: { answer: 'classic', reasoning: 'open-tags' } },
  { name: 'granite encodes twice', model: '@cf/ibm-granite/granite-4.0-h-micro', expected: { doubleEncoded: true, reasoning: 'none' } },
  { name: 'gpt-oss does not stream', model: GPT_OSS, expected: { streamless: true } },
  { name: 'llama guard judges', model: '@cf/meta/llama-guard-3-8b', expected: { judges: true, answer: 'classic' } }
]
for (const { name, model, expected } of cases) {
  const row = CATALOGUE.get(model)
  t.match(row && toDialect(row), expected, name)
}

const names = [KIMI, GPT_OSS, LLAMA].map(model => toDialect(CATALOGUE.get(model)!).decorate('f'))
t.strictSame(names, ['functions.f:0', 'f<|channel|>commentary', 'functions.f'], 'names are decorated as templates do')
