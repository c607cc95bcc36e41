export type { KubeObject, ObjectList } from '../machinery/object.ts'
export type { Status } from '../kinds/generated/types/meta-v1.ts'
