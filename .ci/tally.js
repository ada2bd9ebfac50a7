// Adds up vitest's JSON reports: says what failed, then prints one line; fails unless all tests were run and passed.
import { readFileSync } from 'node:fs'

const reports = process.argv.slice(2).map(read)
for (const report of reports) tellFailures(report)
const counts = reports.map(count)
const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map((what) =>
  counts.reduce((sum, one) => sum + one[what], 0),
)
console.log(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed + skipped === 0 ? 0 : 1

function count(report) {
  // A run that broke off, or broke outside of its tests, is a failure that no test shows.
  if (!report) return { passed: 0, failed: 1, skipped: 0 }
  return {
    passed: report.numPassedTests,
    failed: Math.max(report.numFailedTests, report.success && report.numTotalTests > 0 ? 0 : 1),
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** Once more at the end, where they are found. */
function tellFailures(report) {
  for (const { name, message, assertionResults } of report?.testResults ?? []) {
    if (message) console.log(`FAILED ${name}\n${message}`)
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'failed') console.log(`FAILED ${name}: ${fullName}\n${failureMessages.join('\n')}`)
    }
  }
}

/** @param {string} file */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
