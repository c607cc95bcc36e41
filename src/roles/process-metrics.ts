import { type ProcessFigures, processFigures } from '../platform/process-figures.ts'

const families: readonly (readonly [field: keyof ProcessFigures, name: string, type: 'counter' | 'gauge', help: string])[] = [
  ['cpuSeconds', 'process_cpu_seconds_total', 'counter', 'CPU time of the process.'],
  ['residentBytes', 'process_resident_memory_bytes', 'gauge', 'Memory of the process that is in RAM.'],
  ['virtualBytes', 'process_virtual_memory_bytes', 'gauge', 'Address space of the process.'],
  ['virtualBytesMax', 'process_virtual_memory_max_bytes', 'gauge', 'The largest address space that the process may have.'],
  ['startTimeSeconds', 'process_start_time_seconds', 'gauge', 'When the process started, in Unix time.'],
  ['openFiles', 'process_open_fds', 'gauge', 'Open file descriptors.'],
  ['openFilesMax', 'process_max_fds', 'gauge', 'The most file descriptors that may be open.'],
  ['receivedBytes', 'process_network_receive_bytes_total', 'counter', 'Bytes that came in over the network.'],
  ['transmittedBytes', 'process_network_transmit_bytes_total', 'counter', 'Bytes that went out over the network.'],
]

/** What the operating system knows of this process, under the names that every exporter has for it, as Prometheus reads it. */
export function processMetrics(figures: ProcessFigures = processFigures()): string {
  return families
    .flatMap(([field, name, type, help]) => {
      const value = figures[field]
      return value === undefined ? [] : [`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`]
    })
    .join('')
}
