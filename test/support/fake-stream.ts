import { Writable } from 'node:stream'

export interface FakeStreamOptions {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** A stand-in for stdout and stderr that remembers what was written. */
export class FakeStream extends Writable {
  text = ''
  isTTY: boolean
  columns: number
  rows: number

  constructor({ isTTY = false, columns = 100, rows = 24 }: FakeStreamOptions = {}) {
    super()
    this.isTTY = isTTY
    this.columns = columns
    this.rows = rows
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }

  get lines(): readonly string[] {
    return this.text.split('\n').slice(0, -1)
  }

  // What a terminal can do besides; written down in words.
  cursorTo(): boolean {
    return true
  }

  moveCursor(): boolean {
    return true
  }

  clearLine(): boolean {
    return this.write('<clear>')
  }
}
