/** Signals by which a container may ask to be stopped, in the order in which upstream lists them. */
export const windowsStopSignals: readonly string[] = ['SIGKILL', 'SIGTERM']

const plain =
  'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ'
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

export const linuxStopSignals: readonly string[] = [
  ...plain.split(' '),
  'RTMIN',
  ...upTo(15).map((i) => `RTMIN+${i}`),
  'RTMAX',
  ...upTo(14).map((i) => `RTMAX-${i}`),
]
  .map((name) => `SIG${name}`)
  .sort()
