#!/usr/bin/env node
import { launch } from '../dist/cli.js'

process.exitCode = await launch(process.argv)
