import { codedError } from './failures.ts'

export interface LowSpeedLimit {
  /** How long it may go on, in milliseconds. */
  readonly span: number
  /** True while it is for us that nothing comes: what was sent before has not been taken yet. */
  readonly isHeldUp: () => boolean
  /** Told once, with an error that says how slow it was; nothing is watched any more then. */
  readonly onTooSlow: (error: Error) => void
}

export interface LowSpeedWatch {
  arrived(bytes: number): void
  end(): void
}

/** Bytes per second. */
const leastSpeed = 1024
const stepsPerSpan = 10

/**
 * Watches a body for a server that drips: less than 1 KiB/s over a whole span. Silence has a limit of its own, half as long,
 * which each drop would reset; where there has been none for that long, this one keeps out of it. Time is counted in steps,
 * and a step in which we were the slow ones, at any moment of it, is none: a disk that takes its time, or a machine that was
 * asleep, is no reason to blame the server. A body that ends in time, however few its bytes, is not slow.
 */
export function watchLowSpeed({ span, isHeldUp, onTooSlow }: LowSpeedLimit): LowSpeedWatch {
  const amounts: number[] = []
  let amount = 0
  let wasHeldUp = false

  const end = () => clearInterval(clock)
  const step = () => {
    if (!wasHeldUp && !isHeldUp()) amounts.push(amount)
    if (amounts.length > stepsPerSpan) amounts.shift()
    amount = 0
    wasHeldUp = isHeldUp()
    const received = amounts.reduce((sum, each) => sum + each, 0)
    const isSilent = amounts.slice(-stepsPerSpan / 2).every((each) => each === 0)
    if (amounts.length < stepsPerSpan || isSilent || received * 1000 >= leastSpeed * span) return
    end()
    onTooSlow(codedError('BODY_TOO_SLOW', `less than 1 KiB/s over ${span / 1000} s`))
  }
  const clock = setInterval(step, span / stepsPerSpan).unref()
  return {
    arrived(bytes) {
      amount += bytes
      wasHeldUp ||= isHeldUp()
    },
    end,
  }
}
