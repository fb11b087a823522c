import { join } from 'node:path'

/** Words of the simulator by which a conversation is long enough to be worth a summary. */
const EXCHANGES = ['say the first word is oak', 'say the second word is elm', 'say the third word is ash']

/** Claude Code by Anthropic's Messages API; the package of its platform has the program. */
export const agent = {
  package: '@anthropic-ai/claude-code-linux-x64@2.1.332',
  question: 'call tool Bash with {"command":"cat notes.txt"}',

  files: () => ({}),

  command: ({ baseURL, folder, model, question, goesOn = false }) => ({
    file: join(folder, 'node_modules/@anthropic-ai/claude-code-linux-x64/claude'),
    args: ['-p', ...(goesOn ? ['-c'] : []), '--output-format', 'stream-json', '--verbose', '--allowedTools', 'Bash', '--', question],
    env: {
      ANTHROPIC_BASE_URL: baseURL.replace('/v1', ''),
      ANTHROPIC_AUTH_TOKEN: 'unused',
      ANTHROPIC_MODEL: model,
      CLAUDE_CODE_MAX_CONTEXT_TOKENS: '128000',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1'
    },
    input: ''
  }),

  /** What one of its events says: what a tool did, what it answered in the end, that it wrote a summary, or nothing of these. */
  toStep: ({ type, subtype, message, result, compact_metadata: compacted }) => {
    if (type === 'result') return { answer: result }
    if (subtype === 'compact_boundary') return { compacted: `${compacted.trigger}, ${compacted.pre_tokens} → ${compacted.post_tokens} tokens` }
    if (type !== 'user' || typeof message.content === 'string') return undefined
    return message.content.flatMap(part => part.type === 'tool_result' ? { tool: JSON.stringify(part.content) } : [])
  },

  scenes: [
    {
      name: 'writes a summary when the context window is full, and goes on',
      questions: [...EXCHANGES, 'fail 1 times with code 5021 then say goodbye heron'],
      answer: /^goodbye heron$/,
      judge: ({ calls, steps }) => [
        ...(calls.some(({ status, error }) => status === 400 && /^prompt is too long: \d+ tokens > \d+ maximum/.test(error?.message)) ? [] : ['the window was never full']),
        ...(steps.some(({ compacted }) => compacted) ? [] : ['it wrote no summary']),
        // A request with the summary is no less often too long than one without, as the simulator counts.
        ...(calls.length <= EXCHANGES.length + 5 ? [] : [`it asked ${calls.length} times`])
      ]
    },
    {
      name: 'asks for a plain answer when a stream breaks',
      questions: ['break after 3 frames, say 10 words'],
      answer: /^alpha bravo( \w+){8}$/,
      judge: ({ calls }) => [
        ...(calls.length === 2 ? [] : [`it asked ${calls.length} times`]),
        ...(calls[0]?.stream && calls[0].error ? [] : ['the stream did not break']),
        ...(calls[1]?.stream === false && calls[1].finishReason === 'stop' ? [] : ['the plain answer is not whole'])
      ]
    },
    {
      name: 'stops at once when the neurons of the day are used up, and shows why',
      questions: ['fail with code 4006'],
      code: 1,
      answer: /429.*used up your daily free allocation of 10,000 neurons/,
      judge: ({ calls }) => calls.length === 1 && calls[0].status === 429 ? [] : [`it asked ${calls.length} times`]
    }
  ]
}
