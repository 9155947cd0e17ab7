const gnu = 'Filesystem     1-blocks         Used    Available Capacity Mounted on\n'
const busybox = 'Filesystem           1024-blocks    Used Available Capacity Mounted on\n'
const inodeHeader = 'Filesystem       Inodes  IUsed    IFree IUse% Mounted on\n'
const bsdHeader = 'Filesystem   512-blocks      Used Available Capacity iused      ifree %iused  Mounted on\n'
const bsdInodeHeader = 'Filesystem 1K-blocks Used Avail Capacity iused ifree %iused Mounted on\n'

export interface DfFixture {
  readonly name: string
  readonly text: string
  /** [total, used, available or free], or null for unknown. */
  readonly is: readonly [number, number, number] | null
  readonly mount?: string
}

const many = (count: number, make: (n: number) => DfFixture) => Array.from({ length: count }, (_, n) => make(n))

export const byteFixtures: readonly DfFixture[] = [
  {
    name: 'GNU',
    text: `${gnu}/dev/vda    270553174016  12836618240  84956676096      14% /\n`,
    is: [270553174016, 12836618240, 84956676096],
    mount: '/',
  },
  {
    name: 'GNU 1B-blocks',
    text: 'Filesystem 1B-blocks Used Available Use% Mounted on\n/dev/sda1 1000 400 600 40% /data\n',
    is: [1000, 400, 600],
  },
  {
    name: 'busybox -k',
    text: `${busybox}/dev/root              100     40        60  40% /mnt\n`,
    is: [102400, 40960, 61440],
  },
  {
    name: 'busybox wrapped',
    text: `${busybox}/dev/mapper/very-long-volume-group-name-root\n                     100 40 60 40% /\n`,
    is: [102400, 40960, 61440],
  },
  {
    name: 'GNU wrapped',
    text: `${gnu}nfs.example.org:/export/projects/very/long/path\n 1000 400 600 40% /data\n`,
    is: [1000, 400, 600],
    mount: '/data',
  },
  {
    name: 'BSD 512',
    text: 'Filesystem 512-blocks Used Avail Capacity Mounted on\n/dev/disk1s1 1000 400 600 40% /\n',
    is: [512000, 204800, 307200],
  },
  {
    name: 'BSD -i with bytes',
    text: `${bsdHeader}/dev/disk1s1 1000 400 600 40% 50 950 5% /\n`,
    is: [512000, 204800, 307200],
  },
  {
    name: 'BSD negative available',
    text: 'Filesystem 1K-blocks Used Avail Capacity Mounted on\n/dev/ada0p2 1000 990 -70 108% /\n',
    is: [1024000, 1013760, 0],
  },
  {
    name: '1M blocks',
    text: 'Filesystem 1M-blocks Used Available Capacity Mounted on\n/dev/a 10 4 6 40% /\n',
    is: [10485760, 4194304, 6291456],
  },
  { name: 'overlay', text: `${gnu}overlay 1000 400 600 40% /\n`, is: [1000, 400, 600] },
  {
    name: 'spaces in the device',
    text: `${gnu}//server/my share 1000 400 600 40% /mnt/my share\n`,
    is: [1000, 400, 600],
    mount: '/mnt/my share',
  },
  {
    name: 'newline in the mount',
    text: `${gnu}/dev/sdb 1000 400 600 40% /mnt/a\nb\n`,
    is: [1000, 400, 600],
    mount: '/mnt/a\nb',
  },
  { name: 'full', text: `${gnu}/dev/vda 1000 1000 0 100% /\n`, is: [1000, 1000, 0] },
  { name: 'empty', text: `${gnu}tmpfs 1000 0 1000 0% /dev/shm\n`, is: [1000, 0, 1000] },
  { name: 'quota below size', text: `${gnu}/dev/vda 1000 100 300 25% /\n`, is: [1000, 100, 300] },
  {
    name: 'warning before the header',
    text: `df: /x: No such file or directory\n${gnu}/dev/vda 1000 400 600 40% /\n`,
    is: [1000, 400, 600],
  },
  { name: 'proc', text: `${gnu}proc 0 0 0 - /proc\n`, is: null },
  { name: 'dashes', text: `${gnu}fuse - - - - /mnt/fuse\n`, is: null },
  { name: 'used above total', text: `${gnu}/dev/x 100 400 0 100% /\n`, is: null },
  { name: 'human sizes', text: 'Filesystem Size Used Avail Use% Mounted on\n/dev/vda 252G 12G 80G 14% /\n', is: null },
  { name: 'nothing', text: '', is: null },
  { name: 'header only', text: gnu, is: null },
  { name: 'error only', text: 'df: /x: No such file or directory\n', is: null },
  { name: 'two rows', text: `${gnu}/dev/a 1000 400 600 40% /\n/dev/b 1000 400 600 40% /b\n`, is: null },
  { name: 'beyond exact', text: `${gnu}/dev/a 99999999999999999 1 1 1% /\n`, is: null },
  {
    name: 'other language',
    text: 'Dateisystem 1-Blöcke Benutzt Verfügbar Kapazität Eingehängt auf\n/dev/a 1000 400 600 40% /\n',
    is: null,
  },
  { name: 'hex', text: `${gnu}/dev/a 0x10 1 1 1% /\n`, is: null },
  ...many(12, (n) => ({
    name: `size 10^${n + 3}`,
    text: `${gnu}/dev/nvme${n}n1p1 ${10 ** (n + 3)} ${n} ${10 ** (n + 3) - n} 0% /mnt/d${n}\n`,
    is: [10 ** (n + 3), n, 10 ** (n + 3) - n] as const,
    mount: `/mnt/d${n}`,
  })),
]

export const inodeFixtures: readonly DfFixture[] = [
  {
    name: 'GNU',
    text: `${inodeHeader}/dev/vda       16777216 426533 16350683    3% /\n`,
    is: [16777216, 426533, 16350683],
  },
  {
    name: 'busybox',
    text: 'Filesystem              Inodes      Used Available Use% Mounted on\n/dev/root 1000 400 600 40% /\n',
    is: [1000, 400, 600],
  },
  {
    name: 'busybox -P',
    text: 'Filesystem              Inodes      Used Available Capacity Mounted on\n/dev/root 1000 400 600 40% /\n',
    is: [1000, 400, 600],
  },
  {
    name: 'BSD',
    text: `${bsdHeader}/dev/disk1s1 1000 400 600 40% 50 950 5% /System/Volumes/My Data\n`,
    is: [1000, 50, 950],
    mount: '/System/Volumes/My Data',
  },
  { name: 'BSD 1K', text: `${bsdInodeHeader}/dev/ada0p2 1000 400 600 40% 7 3 70% /\n`, is: [10, 7, 3] },
  {
    name: 'wrapped',
    text: `${inodeHeader}nfs.example.org:/export/projects/very/long/path\n 1000 400 600 40% /data\n`,
    is: [1000, 400, 600],
  },
  {
    name: 'spaces',
    text: `${inodeHeader}my disk 1000 400 600 40% /mnt/with space\n`,
    is: [1000, 400, 600],
    mount: '/mnt/with space',
  },
  {
    name: 'newline',
    text: `${inodeHeader}/dev/b 1000 400 600 40% /mnt/x\ny\n`,
    is: [1000, 400, 600],
    mount: '/mnt/x\ny',
  },
  { name: 'exhausted', text: `${inodeHeader}/dev/b 1000 1000 0 100% /mnt\n`, is: [1000, 1000, 0] },
  { name: 'btrfs', text: `${inodeHeader}/dev/nvme0n1p2 0 0 0 - /\n`, is: null },
  { name: 'dashes', text: `${inodeHeader}juicefs - - - - /jfs\n`, is: null },
  { name: 'zero total', text: `${inodeHeader}vfat 0 0 0 0% /boot\n`, is: null },
  { name: 'BSD dashes', text: `${bsdHeader}devfs 10 10 0 100% - - - /dev\n`, is: null },
  { name: 'byte header', text: `${gnu}/dev/vda 1000 400 600 40% /\n`, is: null },
  { name: 'contradiction', text: `${inodeHeader}/dev/vda 10 400 600 40% /\n`, is: null },
  { name: 'nothing', text: '', is: null },
  { name: 'invalid option', text: 'df: invalid option -- i\n', is: null },
  ...many(10, (n) => ({
    name: `count 10^${n + 2}`,
    text: `${inodeHeader}/dev/sd${n} ${10 ** (n + 2)} ${n} ${10 ** (n + 2) - n} 0% /m${n}\n`,
    is: [10 ** (n + 2), n, 10 ** (n + 2) - n] as const,
  })),
]

export const cgroupFixtures: readonly {
  readonly name: string
  readonly text: string
  readonly limit: number | 'none' | null
  readonly working: number | null
  readonly kills: number | null
  readonly cores: number | 'none' | null
}[] = [
  {
    name: 'v2 limited',
    text: 'version 2\n0 memory.max 1000\n0 memory.current 900\n0 cpu.max 150000 100000\n0 oom_kill 3\n0 inactive_file 200\nend\n',
    limit: 1000,
    working: 700,
    kills: 3,
    cores: 1.5,
  },
  {
    name: 'v2 max',
    text: 'version 2\n0 memory.max max\n0 memory.current 900\n0 cpu.max max 100000\n0 oom_kill 0\n0 inactive_file 0\nend\n',
    limit: 'none',
    working: 900,
    kills: 0,
    cores: 'none',
  },
  {
    name: 'v2 parent is tighter',
    text: 'version 2\n0 memory.max 1000\n0 memory.current 5\n0 inactive_file 1\n1 memory.max 500\n1 memory.current 400\n1 inactive_file 100\n1 cpu.max 50000 100000\nend\n',
    limit: 500,
    working: 300,
    kills: null,
    cores: 0.5,
  },
  {
    name: 'v2 own has no files',
    text: 'version 2\n0 oom_kill 1\n1 memory.max 77\nend\n',
    limit: 77,
    working: null,
    kills: 1,
    cores: null,
  },
  {
    name: 'v1',
    text: 'version 1\n0 memory.max 2147483648\n0 memory.current 1000\n0 oom_kill 2\n0 inactive_file 10\n0 cpu.max 400000 100000\nend\n',
    limit: 2147483648,
    working: 990,
    kills: 2,
    cores: 4,
  },
  {
    name: 'v1 unlimited',
    text: 'version 1\n0 memory.max 9223372036854771712\n0 memory.current 1000\n0 inactive_file 0\n0 oom_kill 0\n0 cpu.max max 100000\nend\n',
    limit: 'none',
    working: 1000,
    kills: 0,
    cores: 'none',
  },
  {
    name: 'no stat',
    text: 'version 2\n0 memory.max 10\n0 memory.current 9\nend\n',
    limit: 10,
    working: null,
    kills: null,
    cores: null,
  },
  {
    name: 'rubbish limit',
    text: 'version 2\n0 memory.max lots\n0 memory.current 9\nend\n',
    limit: null,
    working: null,
    kills: null,
    cores: null,
  },
  {
    name: 'rubbish quota',
    text: 'version 2\n0 cpu.max 10\n0 memory.max 5\nend\n',
    limit: 5,
    working: null,
    kills: null,
    cores: null,
  },
  {
    name: 'zero period',
    text: 'version 2\n0 cpu.max 10 0\n0 memory.max 5\nend\n',
    limit: 5,
    working: null,
    kills: null,
    cores: null,
  },
  {
    name: 'empty counter',
    text: 'version 2\n0 oom_kill \n0 memory.max 5\nend\n',
    limit: 5,
    working: null,
    kills: null,
    cores: null,
  },
  { name: 'no groups', text: 'end\n', limit: null, working: null, kills: null, cores: null },
  { name: 'nothing', text: '', limit: null, working: null, kills: null, cores: null },
  { name: 'cut', text: 'version 2\n0 memory.max 100', limit: null, working: null, kills: null, cores: null },
]
