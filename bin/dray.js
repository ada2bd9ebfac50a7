#!/usr/bin/env node
const { launch } = require('../dist/cli.cjs')

// Stays where the event loop runs dry before there is an answer.
process.exitCode = 1
launch(process.argv).then((exitCode) => {
  process.exitCode = exitCode
})
