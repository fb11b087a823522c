import { useLayoutEffect, useRef } from 'preact/hooks'
import { toNodes } from './nodes.ts'
import { BlockSplitter } from './splitter.ts'

/** A text that may still grow. */
export interface GrowingText {
  text: () => string
  /** Hears that there is more. @returns a function that ends it */
  subscribe: (listener: () => void) => () => void
}

/** Shows Markdown while it grows. What is settled is drawn once; what is open is drawn anew with each change. */
export function Markdown ({ source }: { source: GrowingText }) {
  const frame = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const { current } = frame
    if (current === null) return undefined
    const splitter = new BlockSplitter()
    let open: HTMLElement[] = []
    let length = -1
    const draw = () => {
      const text = source.text()
      if (text.length === length) return
      length = text.length
      for (const node of open) node.remove()
      current.append(...toNodes(splitter.push(text)))
      open = toNodes(splitter.open())
      current.append(...open)
    }
    draw()
    const end = source.subscribe(draw)
    return () => {
      end()
      current.replaceChildren()
    }
  }, [source])
  return <div class='markdown' ref={frame} />
}
