import { chatSettings } from '../playground/chat-settings.ts'
import { apiKey, keyIsWanted } from '../server/api-key.ts'
import { serverAddress } from '../server/call-server.ts'
import { modelList } from '../server/model-list.ts'
import { CopyButton } from '../shell/copy-button.tsx'
import { useStore } from '../shell/store.ts'
import { toRecipes, type Recipe } from './recipes.ts'

export function SetupView () {
  const hasKeys = [useStore(apiKey) !== '', useStore(keyIsWanted)].includes(true)
  const { model } = useStore(chatSettings)
  const { models } = useStore(modelList)
  const address = serverAddress()
  const recipes = toRecipes({
    address,
    hasKeys,
    model: model || '@cf/zai-org/glm-4.7-flash',
    window: models.find(({ id }) => id === model)?.context_length,
    embeddingModel: models.find(({ task }) => task === 'text-embeddings')?.id ?? '@cf/baai/bge-m3'
  })
  return (
    <>
      <p class='lead'>A client needs a base URL, a key and the name of a model.</p>
      <dl class='address'>
        <Fact name='Base URL' value={`${address}v1`} />
        <Fact name="For clients of Anthropic's API" value={address.replace(/\/$/, '')} />
        <div><dt>Key</dt><dd>{hasKeys ? 'a key of this server; the recipes take it from the variable API_KEY' : 'any text: this server asks for none'}</dd></div>
      </dl>
      <p><a href='../openapi.json'>OpenAPI document of this server</a></p>
      <div class='recipes'>{recipes.map(recipe => <ShownRecipe key={recipe.name} recipe={recipe} />)}</div>
    </>
  )
}

function Fact ({ name, value }: { name: string, value: string }) {
  return <div><dt>{name}</dt><dd><code>{value}</code> <CopyButton text={() => value} /></dd></div>
}

function ShownRecipe ({ recipe: { name, title, place, text } }: { recipe: Recipe }) {
  return (
    <section class='recipe' aria-labelledby={`recipe-${name}`} data-testid={`recipe-${name}`}>
      <div class='row'>
        <h2 id={`recipe-${name}`} class='grow'>{title}</h2>
        <CopyButton text={() => text} />
      </div>
      <p class='faint'>{place}</p>
      <pre tabIndex={0} aria-label={title}><code>{text}</code></pre>
    </section>
  )
}
