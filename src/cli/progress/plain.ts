import { describeEvent } from './describe-event.ts'
import type { Display, TextStream } from './display.ts'
import { describeTally } from './draw.ts'
import { createCounter } from './tally.ts'

const longestSilence = 10_000

/** A line for each event, for logs; when none comes for ten seconds, a line that says how far things are. */
export function openPlainDisplay(stream: TextStream): Display {
  const counter = createCounter()
  const heartbeat = setInterval(() => say(describeTally(counter.read())), longestSilence).unref()

  function say(line: string): void {
    heartbeat.refresh()
    stream.write(`${line}\n`)
  }

  return {
    onEvent(event) {
      counter.add(event)
      const line = describeEvent(event)
      if (line !== undefined) say(line)
    },
    warn: (message) => say(`warning: ${message}`),
    stop: () => clearInterval(heartbeat),
  }
}
