import { Chalk } from 'chalk'
import ora from 'ora'
import { describeEvent } from './describe-event.ts'
import type { Display, TextStream } from './display.ts'
import { canDrawOn, draw } from './draw.ts'
import { createCounter } from './tally.ts'

const redrawEvery = 100

/** Progress that is redrawn in place. Lines that others write to the stream go above it. */
export function openTerminalDisplay(stream: TextStream, { colour }: { readonly colour: boolean }): Display {
  const chalk = new Chalk({ level: colour ? 1 : 0 })
  const counter = createCounter()
  // Stdin and Ctrl-C are left alone: whoever runs the pull decides what an interruption means.
  const spinner = ora({ stream, color: colour ? 'cyan' : false, isEnabled: true, discardStdin: false })

  let stopped = false
  const redraw = () => {
    const { columns = 80, rows = 24 } = stream
    spinner.text = draw(counter.read(), { columns, rows, chalk })
  }
  const timer = setInterval(redraw, redrawEvery).unref()
  const stop = () => {
    stopped = true
    clearInterval(timer)
    stream.off('resize', stopWhenTooNarrow)
    if (spinner.isSpinning) spinner.stop()
  }
  const stopWhenTooNarrow = () => {
    if (!canDrawOn(stream)) stop()
  }
  stream.on('resize', stopWhenTooNarrow)

  return {
    onEvent(event) {
      counter.add(event)
      if (event.type === 'retry' || event.type === 'warning') stream.write(`${describeEvent(event)}\n`)
      if (event.type !== 'resolve' || spinner.isSpinning || stopped) return
      redraw()
      spinner.start()
    },
    warn: (message) => stream.write(`warning: ${message}\n`),
    stop,
  }
}
