import { useState } from 'preact/hooks'
import { chatSettings } from '../playground/chat-settings.ts'
import { loadModels, modelList } from '../server/model-list.ts'
import { Failure } from '../shell/failure.tsx'
import { goTo } from '../shell/routes.ts'
import { useStore } from '../shell/store.ts'
import { toCount, toShortCount } from '../text/figures.ts'
import { ABILITIES, fits, toModelFacts, type ModelFacts, type ModelFilter } from './model-facts.ts'

export function ModelsView () {
  const { models, isLoading, error } = useStore(modelList)
  const [filter, setFilter] = useState<ModelFilter>({ text: '', abilities: [], onlyFree: false })
  const shown = models.map(toModelFacts).filter(facts => fits(facts, filter))
  const toggle = (ability: string) => setFilter({
    ...filter,
    abilities: filter.abilities.includes(ability) ? filter.abilities.filter(one => one !== ability) : [...filter.abilities, ability]
  })
  return (
    <>
      <p class='lead'>What each model can and costs. 10,000 neurons a day are free; "free a day" says how many tokens of an answer they buy.</p>
      <div class='row bar'>
        <div class='grow'>
          <label class='hidden' for='search'>Search</label>
          <input id='search' data-testid='search' type='search' placeholder='Search by name' value={filter.text} onInput={event => setFilter({ ...filter, text: event.currentTarget.value })} />
        </div>
        <fieldset class='ranges'>
          <legend class='hidden'>What it must be able to do</legend>
          {ABILITIES.map(ability => (
            <label key={ability} class='switch'>
              <input type='checkbox' checked={filter.abilities.includes(ability)} onChange={() => toggle(ability)} />
              {ability}
            </label>
          ))}
          <label class='switch'>
            <input type='checkbox' data-testid='only-free' checked={filter.onlyFree} onChange={event => setFilter({ ...filter, onlyFree: event.currentTarget.checked })} />
            free plan
          </label>
        </fieldset>
      </div>
      {error && error.kind !== 'key' && <Failure error={error} onRetry={() => { void loadModels() }} />}
      <p class='faint' role='status'>{isLoading ? 'Asking for the models' : `${shown.length} of ${models.length} models`}</p>
      <div class='table-frame'>
        <table class='models' data-testid='models'>
          <caption class='hidden'>Models, with prices in neurons per million tokens</caption>
          <thead>
            <tr>
              <th scope='col'>Model</th>
              <th scope='col' class='number'>Window</th>
              <th scope='col' class='number wide'>Neurons / M in</th>
              <th scope='col' class='number wide'>Neurons / M out</th>
              <th scope='col' class='number'>Free a day</th>
              <th scope='col'><span class='hidden'>Try it</span></th>
            </tr>
          </thead>
          <tbody>{shown.map(facts => <ModelRow key={facts.id} facts={facts} />)}</tbody>
        </table>
      </div>
    </>
  )
}

function ModelRow ({ facts }: { facts: ModelFacts }) {
  const { id, abilities, window, inputNeurons, outputNeurons, freeTokens, isFree, isChat, isRetired, end, successor } = facts
  const tryIt = () => {
    chatSettings.patch({ model: id })
    goTo('playground')
  }
  return (
    <tr>
      <td>
        <span class='model'>{id}</span>
        <span class='tags'>
          {abilities.map(ability => <span key={ability} class='tag'>{ability}</span>)}
          {!isFree && <span class='tag paid'>paid plan</span>}
          {isRetired && <span class='tag bad'>retired{successor === undefined ? '' : `: use ${successor}`}</span>}
          {!isRetired && end !== undefined && <span class='tag bad'>ends {end}</span>}
        </span>
      </td>
      <td class='number' data-label='Window'>{window === undefined ? '–' : toShortCount(window)}</td>
      <td class='number wide'>{inputNeurons === undefined ? '–' : toCount(inputNeurons)}</td>
      <td class='number wide'>{outputNeurons === undefined ? '–' : toCount(outputNeurons)}</td>
      <td class='number' data-label='Free a day'>{!isFree ? '–' : freeTokens === undefined ? '?' : toShortCount(freeTokens)}</td>
      <td class='number'>{isChat && !isRetired && <button type='button' onClick={tryIt}>Try it<span class='hidden'> {id}</span></button>}</td>
    </tr>
  )
}
