import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { symptoms } from '../support/symptoms/all-symptoms.ts'
import { showSymptom } from '../support/symptoms/show-symptom.ts'
import { chapters } from '../support/symptoms/symptom.ts'

describe.concurrent('what others put in other words, dray says so that it can be understood:', () => {
  test.each(symptoms)('$symptom', async (symptom) => {
    const { exitCode, says, advice, warns } = symptom
    expect(await showSymptom(symptom)).toMatchObject({ exitCode, says, advice, ...(warns && { warns }) })
  })
})

test('the README explains the symptoms in the words that dray prints', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const explained = symptoms.filter(({ chapter }) => chapter !== undefined)
  const byChapter = chapters.flatMap((chapter) => explained.filter((symptom) => symptom.chapter === chapter))
  expect(troubleshooting(readme)).toEqual(
    byChapter.map(({ chapter, symptom, says, advice }) => ({ chapter, symptom, says, advice })),
  )
})

/** The rows of the section: `| symptom | ``what dray says`` | what to try |`, under the heading of their chapter. */
function troubleshooting(readme: string) {
  const section = /^## Troubleshooting\n(.*?)^## /ms.exec(readme)?.[1] ?? ''
  return section.split(/^### /m).flatMap((text) => {
    const [chapter = ''] = text.split('\n')
    return [...text.matchAll(/^\| (.+) \| `(.+)` \| (.+) \|$/gm)].map(([, symptom, says, advice]) => ({
      chapter,
      symptom,
      says,
      advice,
    }))
  })
}
