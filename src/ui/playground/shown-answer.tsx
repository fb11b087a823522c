import { Markdown } from '../markdown/markdown.tsx'
import { feedTicker, records } from '../server/event-feed.ts'
import { CopyButton } from '../shell/copy-button.tsx'
import { Failure } from '../shell/failure.tsx'
import { goTo } from '../shell/routes.ts'
import { useTicker } from '../shell/use-ticker.ts'
import type { Answer } from './answer.ts'
import { toFacts, toStateText } from './answer-facts.ts'
import { tryAgain } from './conversation.ts'
import { ToolCalls } from './tool-calls.tsx'
import { useFollowedEnd } from './use-followed-end.ts'

export function ShownAnswer ({ answer, isLast }: { answer: Answer, isLast: boolean }) {
  useTicker(answer.ticker)
  useTicker(feedTicker)
  useFollowedEnd(answer, isLast)
  const { state, thinking, content, toolCalls, error, changes, isUnderWay } = answer
  const facts = toFacts(answer, records.find(answer.requestId))
  return (
    <article class={`turn assistant ${state}`} aria-label='Answer' aria-busy={isUnderWay}>
      {thinking !== '' && (
        <details class='thinking'>
          <summary>{isUnderWay && content === '' ? 'Thinking' : 'What it thought'}</summary>
          <Markdown source={answer.thinkingSource} />
        </details>
      )}
      <div data-testid='answer'><Markdown source={answer.contentSource} /></div>
      {toolCalls.length > 0 && <ToolCalls calls={toolCalls} canReply={isLast && state === 'done'} />}
      {error && <Failure error={error} {...isLast && { onRetry: () => { void tryAgain() } }} />}
      <footer>
        <span class='facts' data-testid='facts'>{[toStateText(answer), ...facts].filter(Boolean).join(' · ')}</span>
        {!isUnderWay && content !== '' && <CopyButton text={() => content} />}
        {!isUnderWay && isLast && <button type='button' class='quiet' data-testid='show-translation' onClick={() => goTo('translation')}>What was sent</button>}
      </footer>
      {changes.length > 0 && (
        <p class='changes' data-testid='changes'>Changed on the way: {changes.join(', ')}. {isLast && <a href='#/translation'>Why</a>}</p>
      )}
    </article>
  )
}
