/**
 * Defaults that upstream publishes with its definitions, by `Definition.field`: of whoever merges lists by keys, or fills in what a server
 * would, these are asked. (Its documents of version 3 also say of every plain value that it is empty when absent; ours do not.)
 */
export const publishedDefaults: Readonly<Record<string, string | number>> = {
  'AzureDiskVolumeSource.cachingMode': 'ReadWrite',
  'AzureDiskVolumeSource.fsType': 'ext4',
  'AzureDiskVolumeSource.kind': 'Shared',
  'ContainerPort.protocol': 'TCP',
  'DeviceToleration.operator': 'Equal',
  'ISCSIPersistentVolumeSource.iscsiInterface': 'default',
  'ISCSIVolumeSource.iscsiInterface': 'default',
  'RBDPersistentVolumeSource.keyring': '/etc/ceph/keyring',
  'RBDPersistentVolumeSource.pool': 'rbd',
  'RBDPersistentVolumeSource.user': 'admin',
  'RBDVolumeSource.keyring': '/etc/ceph/keyring',
  'RBDVolumeSource.pool': 'rbd',
  'RBDVolumeSource.user': 'admin',
  'ReplicationControllerSpec.replicas': 1,
  'ScaleIOPersistentVolumeSource.fsType': 'xfs',
  'ScaleIOPersistentVolumeSource.storageMode': 'ThinProvisioned',
  'ScaleIOVolumeSource.fsType': 'xfs',
  'ScaleIOVolumeSource.storageMode': 'ThinProvisioned',
  'ServicePort.protocol': 'TCP',
}
