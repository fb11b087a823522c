import { toClock } from '../text/figures.ts'
import { Frame, HEIGHT, LEFT, WIDTH, xOf } from './frame.tsx'
import { toScale } from './series.ts'

export interface BarPart {
  name: string
  /** One for each slice of time. */
  values: readonly number[]
  /** `first` is the colour of what is usual, `second` stands on top of it. */
  look: 'first' | 'second' | 'bad'
}

interface BarChartProps {
  title: string
  parts: readonly BarPart[]
  starts: readonly number[]
  toText: (value: number) => string
  unit: string
}

/** Bars in slices of time, with their parts on top of each other. */
export function BarChart ({ title, parts, starts, toText, unit }: BarChartProps) {
  const sums = starts.map((_, index) => parts.reduce((sum, { values }) => sum + (values[index] ?? 0), 0))
  const scale = toScale(sums)
  const total = sums.reduce((sum, value) => sum + value, 0)
  const toWords = (index: number) => parts.map(({ name, values }) => `${toText(values[index] ?? 0)} ${name}`).join(', ')
  const width = (WIDTH - LEFT) / starts.length
  return (
    <Frame title={title} figure={`${toText(total)} ${unit}`} scale={scale} toText={toText} starts={starts} legend={parts.length > 1 ? parts : []}>
      {starts.map((start, index) => {
        if (sums[index] === 0) return null
        let top = HEIGHT
        return (
          <g key={start}>
            <title>{`${toClock(start)}: ${toWords(index)}`}</title>
            {parts.map(({ name, values, look }) => {
              const height = (values[index] ?? 0) / scale * HEIGHT
              top -= height
              const x = xOf(index, starts.length) + 0.5
              return <rect key={name} class={look} x={x} y={top} width={Math.max(width - 1, 1)} height={height} />
            })}
          </g>
        )
      })}
    </Frame>
  )
}
