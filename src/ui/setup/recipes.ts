/** How one client is pointed at this server. */
export interface Recipe {
  name: string
  title: string
  /** Where the text goes. */
  place: string
  text: string
}

export interface RecipeFacts {
  /** The server's address with a slash at its end. */
  address: string
  /** Whether the server wants a key. */
  hasKeys: boolean
  model: string
  embeddingModel: string
  /** The model's window in tokens, where the server knows it. */
  window?: number | undefined
}

/** A recipe for each client; a key stands in the environment, never in the text. */
export function toRecipes (facts: RecipeFacts): Recipe[] {
  const { address, hasKeys, model, window } = facts
  const root = address.replace(/\/$/, '')
  const base = `${root}/v1`
  const python = hasKeys ? 'os.environ["API_KEY"]' : '"unused"'
  const node = hasKeys ? 'process.env.API_KEY' : "'unused'"
  const shell = hasKeys ? '"$API_KEY"' : 'unused'
  return [
    {
      name: 'curl',
      title: 'curl',
      place: 'Shell',
      text: `curl ${base}/chat/completions \\\n  -H 'content-type: application/json' \\${hasKeys ? '\n  -H "authorization: Bearer $API_KEY" \\' : ''}\n  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello!"}]}'`
    },
    {
      name: 'openai-python',
      title: 'OpenAI SDK, Python',
      place: 'pip install openai',
      text: `${hasKeys ? 'import os\n' : ''}from openai import OpenAI\n\nclient = OpenAI(base_url="${base}", api_key=${python})\nresponse = client.chat.completions.create(\n    model="${model}",\n    messages=[{"role": "user", "content": "Hello!"}],\n)\nprint(response.choices[0].message.content)`
    },
    {
      name: 'openai-js',
      title: 'OpenAI SDK, JavaScript',
      place: 'npm install openai',
      text: `import OpenAI from 'openai'\n\nconst client = new OpenAI({ baseURL: '${base}', apiKey: ${node} })\nconst response = await client.chat.completions.create({\n  model: '${model}',\n  messages: [{ role: 'user', content: 'Hello!' }]\n})\nconsole.log(response.choices[0].message.content)`
    },
    {
      name: 'langchain',
      title: 'LangChain',
      place: 'pip install langchain-openai',
      text: `${hasKeys ? 'import os\n' : ''}from langchain_openai import ChatOpenAI\n\nmodel = ChatOpenAI(model="${model}", base_url="${base}", api_key=${python})\nprint(model.invoke("Hello!").content)`
    },
    {
      name: 'ai-sdk',
      title: 'AI SDK',
      place: 'npm install ai @ai-sdk/openai-compatible',
      text: `import { createOpenAICompatible } from '@ai-sdk/openai-compatible'\nimport { generateText } from 'ai'\n\nconst workersAi = createOpenAICompatible({\n  name: 'workers-ai', baseURL: '${base}', apiKey: ${node}, includeUsage: true, supportsStructuredOutputs: true\n})\nconst { text } = await generateText({ model: workersAi('${model}'), prompt: 'Hello!' })\nconsole.log(text)`
    },
    {
      name: 'claude-code',
      title: 'Claude Code',
      place: 'Shell. The address is without /v1; the model needs tools and a window of 32,000 tokens or more',
      text: `export ANTHROPIC_BASE_URL=${root}\nexport ANTHROPIC_AUTH_TOKEN=${shell}\nexport ANTHROPIC_MODEL=${model}${window === undefined ? '' : `\nexport CLAUDE_CODE_MAX_CONTEXT_TOKENS=${window} CLAUDE_CODE_MAX_OUTPUT_TOKENS=${Math.min(16_384, Math.floor(window / 4))}`}\nexport CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1\nclaude`
    },
    {
      name: 'codex',
      title: 'Codex CLI',
      place: '~/.codex/config.toml',
      text: `model = "${model}"\nmodel_provider = "workers-ai"\n\n[model_providers.workers-ai]\nname = "Workers AI"\nbase_url = "${base}"\nwire_api = "responses"${hasKeys ? '\nenv_key = "API_KEY"' : ''}`
    },
    {
      name: 'open-webui',
      title: 'Open WebUI',
      place: 'Shell. A container reaches this machine as host.docker.internal, if the server was started with HOST=0.0.0.0 and API_KEYS',
      text: `docker run -p 3000:8080 --add-host=host.docker.internal:host-gateway \\\n  -e OPENAI_API_BASE_URL=${toContainerAddress(base)} -e OPENAI_API_KEY=${shell} \\\n  ghcr.io/open-webui/open-webui:main`
    },
    {
      name: 'embeddings',
      title: 'Embeddings by curl',
      place: 'Shell',
      text: `curl ${base}/embeddings \\\n  -H 'content-type: application/json' \\${hasKeys ? '\n  -H "authorization: Bearer $API_KEY" \\' : ''}\n  -d '{"model": "${facts.embeddingModel}", "input": "Hello!"}'`
    }
  ]
}

/** An address of this machine means the container itself, inside of one. */
function toContainerAddress (base: string): string {
  return base.replace(/\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/])/, '//host.docker.internal')
}
