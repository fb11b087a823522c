import { toClock } from '../text/figures.ts'
import { Frame, HEIGHT, xOf } from './frame.tsx'
import { toScale } from './series.ts'

interface Line {
  name: string
  /** Undefined in slices of time where nothing was measured. */
  values: ReadonlyArray<number | undefined>
  look: 'first' | 'second'
}

interface LineChartProps {
  title: string
  figure: string
  lines: readonly Line[]
  starts: readonly number[]
  toText: (value: number) => string
}

/** Lines through what was measured; a dot for each slice of time that has a value. */
export function LineChart ({ title, figure, lines, starts, toText }: LineChartProps) {
  const scale = toScale(lines.flatMap(({ values }) => values.filter(value => value !== undefined)))
  return (
    <Frame title={title} figure={figure} scale={scale} toText={toText} starts={starts} legend={lines}>
      {lines.map(({ name, values, look }) => {
        const points = values.flatMap((value, index) => value === undefined
          ? []
          : [{ start: starts[index] ?? 0, value, x: xOf(index + 0.5, starts.length), y: HEIGHT - value / scale * HEIGHT }])
        return (
          <g key={name} class={`line ${look}`}>
            <polyline points={points.map(({ x, y }) => `${x},${y}`).join(' ')} />
            {points.map(({ start, value, x, y }) => (
              <circle key={start} cx={x} cy={y} r='2.5'><title>{`${toClock(start)}: ${toText(value)} (${name})`}</title></circle>
            ))}
          </g>
        )
      })}
    </Frame>
  )
}
