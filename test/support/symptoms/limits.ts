import { answer, byPath, images, type Symptom, specError, withChallenge } from './symptom.ts'

const reached = specError('TOOMANYREQUESTS', 'You have reached your pull rate limit.')
const hub = {
  'ratelimit-limit': '100;w=21600',
  'ratelimit-remaining': '0;w=21600',
  'docker-ratelimit-source': '198.51.100.7',
}

/** The registry has given enough for now. */
export const limits: readonly Symptom[] = [
  {
    chapter: 'Limits',
    symptom: 'toomanyrequests: You have reached your pull rate limit',
    server: answer(429, reached, { ...hub, 'retry-after': '18720' }),
    command: 'dray nginx --plain-http --proxy http://127.0.0.1:PORT',
    exitCode: 9,
    says: 'docker.io limits how much may be pulled: 100 in 6 h, 0 left, counted for 198.51.100.7 (TOOMANYREQUESTS: You have reached your pull rate limit.)',
    advice: 'try again in 5 h 12 min, or log in, which raises most limits: dray login docker.io',
  },
  {
    symptom: 'the same without Retry-After, logged in',
    server: withChallenge(
      answer(200, { token: 'a-token' }),
      answer(429, reached, { ...hub, 'docker-ratelimit-source': '7f4a8b1e-0000-4000-8000-000000000000' }),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    env: { DRAY_USERNAME: 'me', DRAY_PASSWORD: 'secret' },
    exitCode: 9,
    says: 'registry.example limits how much may be pulled: 100 in 6 h, 0 left, counted for the account (TOOMANYREQUESTS: You have reached your pull rate limit.)',
    advice: 'try again later (what is older than 6 h does not count)',
  },
  {
    symptom: '429, with the date when it ends',
    server: answer(429, reached, {
      date: 'Wed, 21 Oct 2026 07:28:00 GMT',
      'retry-after': 'Wed, 21 Oct 2026 09:28:30 GMT',
    }),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 9,
    says: 'registry.example wants fewer requests for now, 429 (TOOMANYREQUESTS: You have reached your pull rate limit.)',
    advice: 'try again in 2 h 1 min, or log in, which raises most limits: dray login registry.example',
  },
  {
    symptom: 'Too Many Requests',
    server: answer(429, 'Too Many Requests'),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 9,
    says: 'registry.example wants fewer requests for now, 429 (Too Many Requests)',
    advice: 'try again in some minutes, or log in, which raises most limits: dray login registry.example',
  },
  {
    symptom: 'toomanyrequests: retry-after: 880us, allowed: 44000/minute, for a layer',
    server: byPath(
      { '/blobs/': answer(429, specError('toomanyrequests', 'retry-after: 880.4us, allowed: 44000/minute')) },
      images,
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 9,
    says: 'registry.example wants fewer requests for now, 429 (TOOMANYREQUESTS: retry-after: 880.4us, allowed: 44000/minute)',
    advice: 'try again in some minutes, or log in, which raises most limits: dray login registry.example',
  },
]
