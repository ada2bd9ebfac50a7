// Loaded into a worker before it runs.
import { makeCallsFaulty } from './faulty-calls.ts'
import { sharedFaults } from './shared-faults.ts'

const faults = sharedFaults()
if (faults) makeCallsFaulty(faults)
