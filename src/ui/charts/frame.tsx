import type { ComponentChildren } from 'preact'

/** In the units of the drawing, which grows with the page. */
export const WIDTH = 480
export const HEIGHT = 140
export const LEFT = 44
const TOP = 10
const BOTTOM = 20

interface FrameProps {
  title: string
  /** What it comes to, in words. */
  figure: string
  scale: number
  toText: (value: number) => string
  starts: readonly number[]
  legend: ReadonlyArray<{ name: string, look: string }>
  children: ComponentChildren
}

/** A chart's title, axes and legend. */
export function Frame ({ title, figure, scale, toText, starts, legend, children }: FrameProps) {
  return (
    <figure class='chart'>
      <figcaption>
        <span class='title'>{title}</span>
        <span class='figure'>{figure}</span>
      </figcaption>
      <svg viewBox={`0 ${-TOP} ${WIDTH} ${HEIGHT + TOP + BOTTOM}`} role='img' aria-label={`${title}: ${figure}`}>
        {[0, 0.5, 1].map(part => (
          <g key={part} class='grid'>
            <line x1={LEFT} x2={WIDTH} y1={HEIGHT * (1 - part)} y2={HEIGHT * (1 - part)} />
            <text x={LEFT - 6} y={HEIGHT * (1 - part) + 4} text-anchor='end'>{toText(scale * part)}</text>
          </g>
        ))}
        {[0, 0.5].map(part => {
          const index = Math.floor(starts.length * part)
          return <text key={part} class='axis' x={xOf(index, starts.length)} y={HEIGHT + 16}>{toMinute(starts[index] ?? 0)}</text>
        })}
        <text class='axis' x={WIDTH} y={HEIGHT + 16} text-anchor='end'>now</text>
        {children}
      </svg>
      {legend.length > 0 && <ul class='legend'>{legend.map(({ name, look }) => <li key={name}><span class={`mark ${look}`} />{name}</li>)}</ul>}
    </figure>
  )
}

export function xOf (index: number, count: number): number {
  return LEFT + (WIDTH - LEFT) * index / count
}

function toMinute (ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
}
