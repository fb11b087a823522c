import { useEffect } from 'preact/hooks'
import type { Answer } from './answer.ts'

/** How far from the end of the page a person still follows it, in pixels. */
const NEAR = 120

/** Keeps the end of a growing answer in sight, for those who were at the end. */
export function useFollowedEnd (answer: Answer, isLast: boolean): void {
  useEffect(() => {
    if (!isLast || !answer.isUnderWay) return undefined
    const page = document.documentElement
    const toEnd = () => page.scrollTo({ top: page.scrollHeight })
    toEnd()
    let height = page.scrollHeight
    return answer.ticker.subscribe(() => {
      const wasNear = page.scrollTop + page.clientHeight > height - NEAR
      // What the answer became is drawn by then.
      requestAnimationFrame(() => {
        height = page.scrollHeight
        if (wasNear) toEnd()
      })
    })
  }, [answer, isLast])
}
