/** The uv that kx brings where there is none: the publisher's own wheels, by version and hash. Compared 2026-11. */
export const uvVersion = '0.13.9'

interface Wheel {
  /** Path below the root of the index's file store; mirrors of it have the same. */
  readonly path: string
  readonly sha256: string
}

/** By what `uname -m` says. Both run on glibc 2.17 or newer. */
export const uvWheels: Readonly<Record<string, Wheel>> = {
  x86_64: {
    path: 'packages/3d/aa/26d64642d808de4a652579ef950d7cd2d37f080a8babf9c67c6b75fc4c3f/uv-0.13.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
    sha256: 'd7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19',
  },
  aarch64: {
    path: 'packages/57/15/94b6cd62ac3ff6550288328e8035288875197cbc183f51554b266a69877b/uv-0.13.9-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl',
    sha256: '5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe',
  },
}

/** For `pip install --require-hashes`: nothing else than these files is taken. */
export const uvRequirement = `uv==${uvVersion} ${Object.values(uvWheels)
  .map(({ sha256 }) => `--hash=sha256:${sha256}`)
  .join(' ')}\n`
