import { certificates } from './certificates.ts'
import { contents } from './content.ts'
import { limits } from './limits.ts'
import { mirrors } from './mirrors.ts'
import { network } from './network.ts'
import { notAllowed } from './not-allowed.ts'
import { proxy } from './proxy.ts'
import type { Symptom } from './symptom.ts'
import { theName } from './the-name.ts'
import { tokens } from './tokens.ts'

/** All of them; those of a chapter in the order in which the README has them. */
export const symptoms: readonly Symptom[] = [
  ...theName,
  ...notAllowed,
  ...tokens,
  ...network,
  ...certificates,
  ...proxy,
  ...limits,
  ...mirrors,
  ...contents,
]
