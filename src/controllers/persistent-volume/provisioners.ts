/** Who makes the volumes of a class, by the class's `provisioner`. */
export type Provisioner =
  | { readonly kind: 'External'; readonly name: string }
  /** `isNamed`: it is told on the claim all the same. */
  | { readonly kind: 'Absent'; readonly isNamed: boolean; readonly message: string }

/** Upstream's own plugins whose work CSI drivers do since they left. */
const migrated: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
}
const ownPrefix = 'kubernetes.io/'
/** It makes volumes in upstream's development clusters only, under a flag that nobody should set. */
const hostPath = 'kubernetes.io/host-path'

export function provisionerOf(name: string): Provisioner {
  if (!name.startsWith(ownPrefix)) return { kind: 'External', name }
  const driver = migrated[name]
  if (driver) return { kind: 'External', name: driver }
  return name === hostPath
    ? { kind: 'Absent', isNamed: true, message: `Failed to create provisioner: provisioning in volume plugin "${name}" is disabled` }
    : { kind: 'Absent', isNamed: false, message: `no volume plugin matched name: ${name}` }
}
