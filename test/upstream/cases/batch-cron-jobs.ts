/** CronJobs: schedules, time zones and the jobs that they make. */
import { type Case, creations, namespaced, create, patch, replacements, titled } from '../upstream-case.ts'

const cronJobs = namespaced('batch/v1', 'cronjobs')
const plain = {
  metadata: { name: 'c' },
  spec: {
    schedule: '*/5 * * * *',
    jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } } } },
  },
}
const spec = (value: object) => ({ spec: value })
const schedules = ['* * * *', '* * * * * *', '60 * * * *', '5-2 * * * *', '*/0 * * * *', 'x * * * *', '1/2/3 * * * *', '1-2-3 * * * *']
  .concat([
    '@every 1h',
    '@every x',
    '@every -1h',
    '@every 1ms',
    '@weekly',
    '@never',
    'TZ=UTC * * * * *',
    'CRON_TZ=Mars/Base * * * * *',
    ' ',
  ])
  .concat(['? ? ? ? ?', '0 0 31 feb mon', '* * 0 * *', '* 24 * * *', '* * * 13 *', '* * * * 7', '* * * foo *', '-1 * * * *', 'TZ=0'])
const zones = [
  'Europe/Berlin',
  'europe/berlin',
  'Etc/UTC',
  'UTC',
  'GMT',
  'Local',
  'local',
  '',
  'Mars/Base',
  '../etc',
  'a//b',
  '-x',
  '+01:00',
  'EST5EDT',
]

export const cases: readonly Case[] = [
  ...creations(cronJobs, plain, {
    'the least': {},
    'no schedule': spec({ schedule: null }),
    'no job': spec({ jobTemplate: null }),
    'no spec': { spec: null },
    'a long name': { metadata: { name: 'c'.repeat(53) } },
    'negative limits': spec({ startingDeadlineSeconds: -1, successfulJobsHistoryLimit: -1, failedJobsHistoryLimit: -1 }),
    'an unknown policy': spec({ concurrencyPolicy: 'Maybe' }),
    'a selector': spec({ jobTemplate: { spec: { selector: { matchLabels: { a: 'b' } }, manualSelector: true } } }),
    'pods that run for ever': spec({ jobTemplate: { spec: { template: { spec: { restartPolicy: 'Always' } } } } }),
    'bad labels of the job': spec({ jobTemplate: { metadata: { labels: { 'a b': 'c' }, annotations: { 'x y': '' } } } }),
    'an indexed job without an end': spec({ jobTemplate: { spec: { completionMode: 'Indexed' } } }),
    'a status that is given': { status: { lastScheduleTime: '2026-01-01T00:00:00Z' } },
    'several things wrong': spec({
      schedule: 'x',
      timeZone: 'Mars/Base',
      concurrencyPolicy: 'y',
      failedJobsHistoryLimit: -1,
      jobTemplate: { spec: { parallelism: -1, template: { spec: { restartPolicy: 'Always', containers: [] } } } },
    }),
    ...Object.fromEntries(schedules.map((schedule) => [`schedule "${schedule}"`, spec({ schedule })])),
    ...Object.fromEntries(zones.map((timeZone) => [`time zone "${timeZone}"`, spec({ timeZone })])),
  }),
  ...titled(
    'changed',
    replacements(cronJobs, plain, {
      'another schedule': spec({ schedule: '@daily', suspend: true }),
      'a schedule that is none': spec({ schedule: 'x' }),
      'another zone that is none': spec({ timeZone: 'Mars/Base' }),
      'another image': spec({ jobTemplate: { spec: { template: { spec: { containers: [{ name: 'c', image: 'nginx' }] } } } } }),
    }),
  ),
  {
    name: 'status',
    given: [create(cronJobs, plain)],
    steps: [
      patch('merge', `${cronJobs}/c/status`, {
        spec: { suspend: true },
        status: { lastScheduleTime: '2026-01-01T00:00:00Z', active: [{ kind: 'Job', name: 'x' }] },
      }),
      patch('merge', `${cronJobs}/c`, { status: { active: [] } }),
    ],
  },
]
