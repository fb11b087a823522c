import { ShownAnswer } from './shown-answer.tsx'
import type { Turn, UserTurn } from './turns.ts'

export function ShownTurn ({ turn, isLast }: { turn: Turn, isLast: boolean }) {
  switch (turn.role) {
    case 'user': return <ShownQuestion turn={turn} />
    case 'assistant': return <ShownAnswer answer={turn.answer} isLast={isLast} />
    case 'tool': return (
      <article class='turn user' aria-label='Results of tools'>
        {turn.results.map(({ id, content }) => <p key={id}><span class='faint'>Result of {id}</span><br />{content}</p>)}
      </article>
    )
  }
}

function ShownQuestion ({ turn: { text, images } }: { turn: UserTurn }) {
  return (
    <article class='turn user' aria-label='You'>
      {text !== '' && <p>{text}</p>}
      {images.map(({ name, url }) => <img key={url.slice(-40)} src={url} alt={name} />)}
    </article>
  )
}
