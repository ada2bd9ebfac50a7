import { Chalk, type ChalkInstance } from 'chalk'
import type { Diagnosis } from '../doctor/diagnose.ts'
import type { Finding } from '../doctor/finding.ts'
import { exitCodeFor } from './exit-codes.ts'
import { describeError, printable } from './explain-error.ts'

export interface FindingStyle {
  /** Marks in colour, where otherwise there are words. */
  readonly colour: boolean
}

/**
 * Shows findings one after another, with a headline whenever they turn to another host. Of steps that are skipped for
 * the same reason, the first stands for all.
 */
export function findingPrinter({ colour }: FindingStyle): (finding: Finding) => string {
  const chalk = new Chalk({ level: colour ? 1 : 0 })
  let host: string | undefined
  let skipped: string | undefined
  return (finding) => {
    const isMore = finding.status === 'skipped' && finding.summary === skipped
    skipped = finding.status === 'skipped' ? finding.summary : undefined
    if (isMore) return ''
    const headline = finding.host !== undefined && finding.host !== host ? [`at ${finding.host}`] : []
    host = finding.host
    const lines = [...headline, describeFinding(finding, colour, chalk)]
    const detail = (finding.detail ?? []).map((line) => chalk.dim(`${indent}${printable(line)}`))
    return [...lines, ...detail].map((line) => `${line}\n`).join('')
  }
}

const indent = ' '.repeat(8)

function describeFinding(
  { step, status, summary, elapsed }: Finding,
  colour: boolean,
  chalk: ChalkInstance,
): string {
  const { sign, word, paint } = marks[status]
  const mark = colour ? paint(chalk)(sign) : word.padEnd(4)
  const time = status === 'skipped' ? '' : `${elapsed} ms`
  return `${mark} ${step.padEnd(11)} ${time.padStart(8)}  ${printable(summary)}`
}

interface Mark {
  readonly sign: string
  readonly word: string
  readonly paint: (chalk: ChalkInstance) => ChalkInstance
}

const marks: Readonly<Record<Finding['status'], Mark>> = {
  ok: { sign: '✓', word: 'ok', paint: (chalk) => chalk.green },
  warning: { sign: '!', word: 'warn', paint: (chalk) => chalk.yellow },
  failed: { sign: '✗', word: 'FAIL', paint: (chalk) => chalk.red },
  skipped: { sign: '–', word: 'skip', paint: (chalk) => chalk.dim },
}

/** What it all comes to, and what to do first. */
export function describeVerdict({ findings, failure, first }: Diagnosis): string {
  if (first === undefined) {
    const warnings = findings.some(({ status }) => status === 'warning')
    return warnings ? 'A pull works; see the warnings.\n' : 'A pull works.\n'
  }
  const state = failure ? '' : 'A pull works, not everything else does.\n'
  const problem = findings.find(({ status }) => status === 'failed')?.summary ?? first
  const lines = problem === first ? [first] : [`${problem}:`, first]
  return `${state}First: ${lines.map(printable).join(' ')}\n`
}

/** The whole diagnosis for programs. */
export function diagnosisToJson({ reference, findings, failure, first }: Diagnosis): object {
  const steps = findings.map(({ error, ...finding }) => ({
    ...finding,
    summary: printable(finding.summary),
    ...(finding.detail && { detail: finding.detail.map(printable) }),
    ...(error && { error: describeError(error) }),
  }))
  return {
    reference: printable(reference),
    ok: failure === undefined,
    exitCode: failure ? exitCodeFor(failure) : 0,
    steps,
    ...(first !== undefined && { first: printable(first) }),
  }
}
