/**
 * Recipe that serves each item of the audit (handbook monitoring 8.2); of several the one to begin with. What is not here is
 * mended by hand, as its `fix` says. The recipes name these items in their `serves`.
 */
export const recipeByItem: Readonly<Record<string, string>> = {
  'audit.reachable': 'reconnect',
  'audit.host-identity': 'host-identity',
  'audit.disk-bytes': 'free-disk',
  'audit.checkpoint-budget': 'free-disk',
  'audit.inodes': 'free-inodes',
  'audit.inode-budget': 'free-inodes',
  'audit.cgroup-memory': 'host-memory',
  'audit.shm': 'host-memory',
  'audit.cpu-quota': 'cap-threads',
  'audit.gpu-present': 'gpu-preflight',
  'audit.gpu-health': 'gpu-preflight',
  'audit.gpu-memory': 'vram-fit',
  'audit.gpu-free': 'reap-vram',
  'audit.gpu-driver': 'cuda-check',
  'audit.gpu-capability': 'cuda-check',
  'audit.cuda-torch': 'cuda-check',
  'audit.own-interpreter': 'cuda-check',
  'audit.no-silent-cpu': 'cuda-check',
  'audit.china-mirror': 'china-mirrors',
  'audit.installer': 'sync-environment',
  'audit.code-drift': 'code-drift',
  'audit.data-locality': 'stage-data',
}
