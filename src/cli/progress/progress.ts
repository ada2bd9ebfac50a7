import type { PullEvent } from '../../events.ts'
import { sanitize } from '../../http/sanitize.ts'
import { describeRequest } from './describe-request.ts'
import type { Display, TextStream } from './display.ts'
import { canDrawOn } from './draw.ts'
import { openJsonDisplay } from './json.ts'
import { openPlainDisplay } from './plain.ts'

export type ProgressMode = 'auto' | 'tty' | 'plain' | 'json' | 'none'

export interface DisplayOptions {
  readonly mode: ProgressMode
  /** A line for each request, and for which way was taken. */
  readonly verbose: boolean
  /** Headers as well. */
  readonly debug: boolean
  /** Undefined: as the terminal has it. */
  readonly colour: boolean | undefined
  /** Whether `auto` may redraw in place where there is a terminal. */
  readonly animate: boolean
}

/** Opens the display that fits the options and the stream. */
export async function openDisplay(options: DisplayOptions, stream: TextStream): Promise<Display> {
  const mode = chooseMode(options, stream)
  if (mode === 'json') return openJsonDisplay(stream, options)
  return withDetails(await openTextDisplay(mode, options, stream), options, stream)
}

/** What `auto` comes to on this stream. Where nothing can be redrawn, `tty` is `plain`. */
export function chooseMode(
  { mode, animate }: DisplayOptions,
  stream: TextStream,
): Exclude<ProgressMode, 'auto'> {
  const drawable = canDrawOn(stream)
  if (mode === 'auto') return drawable && animate ? 'tty' : 'plain'
  return mode === 'tty' && !drawable ? 'plain' : mode
}

async function openTextDisplay(
  mode: 'tty' | 'plain' | 'none',
  { colour }: DisplayOptions,
  stream: TextStream,
): Promise<Display> {
  if (mode === 'none') return openSilentDisplay(stream)
  if (mode === 'plain') return openPlainDisplay(stream)
  const { openTerminalDisplay } = await import('./terminal.ts')
  return openTerminalDisplay(stream, { colour: colour ?? true })
}

function openSilentDisplay(stream: TextStream): Display {
  return { onEvent() {}, warn: (message) => stream.write(`warning: ${message}\n`), stop() {} }
}

function withDetails(display: Display, { verbose, debug }: DisplayOptions, stream: TextStream): Display {
  if (!verbose && !debug) return display
  const onEvent = (event: PullEvent) => {
    display.onEvent(event)
    for (const line of detailsOf(event, debug)) stream.write(`${line}\n`)
  }
  return { ...display, onEvent }
}

function detailsOf(event: PullEvent, headers: boolean): readonly string[] {
  if (event.type === 'note') return [sanitize(event.message)]
  return event.type === 'request' ? describeRequest(event, { headers }) : []
}
