import { useEffect, useState } from 'preact/hooks'
import type { FrameTicker } from './frame-ticker.ts'

/** Draws the component anew whenever the ticker tells. */
export function useTicker (ticker: Pick<FrameTicker, 'subscribe'>): void {
  const [, redraw] = useState({})
  useEffect(() => {
    redraw({})
    return ticker.subscribe(() => redraw({}))
  }, [ticker])
}
