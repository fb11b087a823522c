import { useEffect, useRef, useState } from 'preact/hooks'
import { copyText } from './copy-text.ts'

/** Copies a text, and says so for a moment. */
export function CopyButton ({ text, label = 'Copy' }: { text: () => string, label?: string }) {
  const [told, tell] = useState('')
  const timer = useRef(0)
  useEffect(() => () => clearTimeout(timer.current), [])
  const copy = () => {
    copyText(text()).then(() => tell('Copied'), () => tell('Select it and press Ctrl+C')).finally(() => {
      clearTimeout(timer.current)
      timer.current = window.setTimeout(() => tell(''), 2_000)
    })
  }
  return <button type='button' class='quiet' onClick={copy} aria-live='polite'>{told === '' ? label : told}</button>
}
