import { byteProperties } from './bytes.ts'
import { configProperties } from './config-files.ts'
import { documentProperties } from './documents.ts'
import { nameProperties } from './names.ts'
import { printingProperties } from './printing.ts'
import type { Property } from './property.ts'
import { answerProperties } from './server-answers.ts'
import { wayThereProperties } from './way-there.ts'

/** What holds for every input, of every reader of what others have written. */
export const allProperties: readonly Property[] = [
  ...nameProperties,
  ...documentProperties,
  ...answerProperties,
  ...wayThereProperties,
  ...printingProperties,
  ...configProperties,
  ...byteProperties,
]
