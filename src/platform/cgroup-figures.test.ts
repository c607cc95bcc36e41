import assert from 'node:assert/strict'
import { test } from 'node:test'
import { legacyFigures, unifiedFigures } from './cgroup-figures.ts'
import { parseNetworkFigures } from './network-figures.ts'

const files = (texts: Readonly<Record<string, string>>) => (_controller: string, file: string) => texts[file]

const none = { cpu: undefined, cpuLimits: undefined, memory: undefined, processCount: undefined, threadCount: undefined, devices: [] }

test('the files of cgroup v1 are read with all that lies below', () => {
  const figures = legacyFigures(
    files({
      'cpuacct.usage': '2500000000\n',
      'cpuacct.stat': 'user 150\nsystem 90\n',
      'cpu.stat': 'nr_periods 10\nnr_throttled 3\nthrottled_time 45000000\n',
      'cpu.shares': '512\n',
      'cpu.cfs_period_us': '100000\n',
      'cpu.cfs_quota_us': '50000\n',
      'memory.usage_in_bytes': '10000\n',
      'memory.stat':
        'cache 1\nrss 2\ntotal_cache 4000\ntotal_rss 5000\ntotal_mapped_file 300\ntotal_swap 7\ntotal_pgfault 20\ntotal_pgmajfault 2\ntotal_inactive_file 1500\ntotal_active_file 2500\n',
      'memory.max_usage_in_bytes': '12000\n',
      'memory.limit_in_bytes': '20000\n',
      'memory.memsw.limit_in_bytes': '9223372036854771712\n',
      'memory.failcnt': '4\n',
      'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
      'cgroup.procs': '12\n13\n',
      'pids.current': '5\n',
      'blkio.throttle.io_service_bytes_recursive': '254:0 Read 4096\n254:0 Write 8192\n254:0 Total 12288\nTotal 12288\n',
      'blkio.throttle.io_serviced_recursive': '254:0 Read 1\n254:0 Write 2\n254:0 Total 3\nTotal 3\n',
    }),
  )
  assert.deepEqual(figures, {
    cpu: {
      usageNanoseconds: 2.5e9,
      userNanoseconds: 1.5e9,
      systemNanoseconds: 0.9e9,
      periods: 10,
      throttledPeriods: 3,
      throttledNanoseconds: 45e6,
    },
    cpuLimits: { shares: 512, periodUs: 100_000, quotaUs: 50_000 },
    memory: {
      usageBytes: 10_000,
      workingSetBytes: 8500,
      rssBytes: 5000,
      cacheBytes: 4000,
      mappedFileBytes: 300,
      activeFileBytes: 2500,
      inactiveFileBytes: 1500,
      swapBytes: 7,
      peakBytes: 12_000,
      limitBytes: 20_000,
      swapLimitBytes: undefined,
      limitHits: 4,
      oomKills: 1,
      pageFaults: 20,
      majorPageFaults: 2,
    },
    processCount: 2,
    threadCount: 5,
    devices: [{ device: '254:0', readBytes: 4096, writeBytes: 8192, reads: 1, writes: 2 }],
  })
})

test('the files of cgroup v2 are read', () => {
  const figures = unifiedFigures(
    files({
      'cpu.stat': 'usage_usec 2500000\nuser_usec 1500000\nsystem_usec 1000000\nnr_periods 10\nnr_throttled 3\nthrottled_usec 45000\n',
      'cpu.weight': '20\n',
      'cpu.max': 'max 100000\n',
      'memory.current': '10000\n',
      'memory.stat': 'anon 5000\nfile 4000\nfile_mapped 300\ninactive_file 12000\nactive_file 2500\npgfault 20\npgmajfault 2\n',
      'memory.max': 'max\n',
      'memory.peak': '12000\n',
      'memory.swap.current': '7\n',
      'memory.swap.max': '0\n',
      'memory.events': 'low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n',
      'cgroup.procs': '',
      'pids.current': '0\n',
      'io.stat': '254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n\n',
    }),
  )
  assert.deepEqual(figures.cpuLimits, { shares: 500, periodUs: 100_000, quotaUs: undefined })
  assert.deepEqual(figures.cpu?.throttledNanoseconds, 45e6)
  assert.deepEqual(figures.memory, {
    usageBytes: 10_000,
    workingSetBytes: 0,
    rssBytes: 5000,
    cacheBytes: 4000,
    mappedFileBytes: 300,
    activeFileBytes: 2500,
    inactiveFileBytes: 12_000,
    swapBytes: 7,
    peakBytes: 12_000,
    limitBytes: undefined,
    swapLimitBytes: 0,
    limitHits: 4,
    oomKills: 1,
    pageFaults: 20,
    majorPageFaults: 2,
  })
  assert.deepEqual([figures.processCount, figures.threadCount], [0, 0])
  assert.deepEqual(figures.devices, [{ device: '254:0', readBytes: 4096, writeBytes: 8192, reads: 1, writes: 2 }])
})

test('a hierarchy that is not mounted leaves its figures out', () => {
  assert.deepEqual(legacyFigures(files({})), none)
  assert.deepEqual(unifiedFigures(files({})), none)
  // The root of v2 has no limits and no usage of memory.
  assert.equal(unifiedFigures(files({ 'memory.stat': 'anon 1\n' })).memory, undefined)
})

test('interfaces are read but for the loopback and the ends of links to pods', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0',
    '  eth0:    1296      16    1    2    0     0          0         0     7770      18    3    4    0     0       0          0',
    'veth12:       1       1    0    0    0     0          0         0        1       1    0    0    0     0       0          0',
    '',
  ].join('\n')
  assert.deepEqual(parseNetworkFigures(text), [
    {
      name: 'eth0',
      receivedBytes: 1296,
      receivedPackets: 16,
      receiveErrors: 1,
      receiveDrops: 2,
      sentBytes: 7770,
      sentPackets: 18,
      sendErrors: 3,
      sendDrops: 4,
    },
  ])
})
