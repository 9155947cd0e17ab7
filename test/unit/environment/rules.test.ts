import { describe, expect, it } from 'vitest'
import {
  environmentPlace,
  environmentTrouble,
  installerVariables,
  pinsOf,
  refusalOf,
  wantedEnvironment,
} from '../../../src/environment/rules.ts'
import { localProfile } from '../audit/support.ts'

const uv = { environment: { kind: 'uv', requirements: 'in.txt', lock: 'lock.txt', python: '3.12' } } as const
const onImage = { ...localProfile, launch: { ...localProfile.launch, interpreter: '/opt/conda/bin/python' } }
const wanted = wantedEnvironment(uv, localProfile)
const forImage = wantedEnvironment(uv, onImage)
if (wanted.kind !== 'uv' || forImage.kind !== 'uv') throw new Error('a plan for uv wants uv')

describe('what is installed for a plan', () => {
  it('is the lock, by the Python of the plan or of the image', () => {
    expect(wanted).toEqual({ kind: 'uv', file: 'lock.txt', python: '3.12', image: null })
    expect(forImage).toMatchObject({ python: '/opt/conda/bin/python', image: '/opt/conda/bin/python' })
    const image = { environment: { kind: 'image', reference: 'a@sha256:b' } } as const
    expect(wantedEnvironment(image, onImage)).toMatchObject({ kind: 'nothing' })
    const system = { environment: { kind: 'system', interpreter: 'node' } } as const
    expect(wantedEnvironment(system, localProfile)).toMatchObject({ kind: 'nothing' })
  })

  it('is exact, can be read, and leaves what an image was built with alone', () => {
    expect(refusalOf('lock.txt', 'six==1.17.0\n', wanted)).toBeNull()
    expect(refusalOf('lock.txt', 'a==1\nsix>=1\nb\n', wanted)).toMatch(
      /2 lines without an exact pin.*line 2 \(six>=1\)/,
    )
    expect(refusalOf('uv.lock', 'x', wanted)).toMatch(/uv export/)
    expect(refusalOf('lock.txt', '# nothing\n', wanted)).toMatch(/pins no package/)
    const cards = 'Torch==2.9.0\nnvidia_cublas==1\nsix==1.17.0\ntorchmetrics==1.8.0\n'
    expect(refusalOf('lock.txt', cards, wanted)).toBeNull()
    expect(refusalOf('lock.txt', cards, forImage)).toMatch(/would replace torch, nvidia-cublas of the image/)
    expect(refusalOf('lock.txt', 'torchmetrics==1.8.0\n', forImage)).toBeNull()
  })

  it('has one place by all that decides it', () => {
    const place = environmentPlace('/data', wanted, 'six==1.17.0\n')
    expect(place.interpreter).toBe(`/data/kx-env/${place.key}/venv/bin/python`)
    const others = [
      environmentPlace('/data', wanted, 'six==1.16.0\n'),
      environmentPlace('/data', { ...wanted, python: '3.13' }, 'six==1.17.0\n'),
      environmentPlace('/data', { ...wanted, image: '3.12' }, 'six==1.17.0\n'),
    ]
    expect(new Set([place, ...others].map(({ key }) => key)).size).toBe(4)
    expect(environmentPlace('/data', wanted, 'six==1.17.0\n')).toEqual(place)
  })

  it('comes by the mirrors of the profile, and is kept on the data tier elsewhere', () => {
    const mirrors = { environment: { UV_DEFAULT_INDEX: 'https://mirror.example/simple' }, order: ['mirror'], notes: [] }
    const away = installerVariables({ mirrors }, { root: '/data/kx-env' }, false)
    expect(away).toMatchObject({
      UV_DEFAULT_INDEX: 'https://mirror.example/simple',
      UV_CACHE_DIR: '/data/kx-env/cache',
    })
    expect(installerVariables({}, { root: '/data/kx-env' }, true)).not.toHaveProperty('UV_CACHE_DIR')
  })

  it('reads pins over continued lines, with extras, markers and hashes', () => {
    const text = `# a comment\nsix==1.17.0 \\\n    --hash=sha256:${'0'.repeat(64)}\nA_b.C[x]==2.0+cpu ; python_version < "4"\nn==1 ; python_version < "3"\nn==2 ; python_version >= "3"\n-i https://x\n./here\n`
    expect([...pinsOf(text)]).toEqual([
      ['six', { versions: ['1.17.0'], hasMarker: false }],
      ['a-b-c', { versions: ['2.0+cpu'], hasMarker: true }],
      ['n', { versions: ['1', '2'], hasMarker: true }],
    ])
  })
})

describe('an environment that was installed', () => {
  const facts = {
    python: '3.12.4',
    packages: 2,
    wrong: [],
    torch: null,
    cuda: null,
    isCudaAvailable: false,
    trouble: null,
  }
  const cpu = { ...uv, resources: { compute: 'cpu', workers: 1 } } as const
  const gpu = { ...uv, resources: { compute: 'gpu', workers: 1 } } as const

  it('is used only when interpreter, packages and torch are those of the plan', () => {
    expect(environmentTrouble(facts, cpu)).toBeNull()
    expect(environmentTrouble({ ...facts, python: '3.1.2' }, cpu)).toMatch(/Python 3.1.2 and the plan asks for 3.12/)
    expect(environmentTrouble({ ...facts, wrong: ['six: missing'] }, cpu)).toMatch(/six: missing/)
    expect(environmentTrouble({ ...facts, trouble: 'ImportError: x' }, cpu)).toMatch(/cannot be imported/)
    expect(environmentTrouble({ ...facts, torch: '2.9.0+cpu' }, cpu)).toBeNull()
    expect(environmentTrouble({ ...facts, torch: '2.9.0+cpu' }, gpu)).toMatch(/built for the CPU/)
    expect(environmentTrouble({ ...facts, torch: '2.9.0', cuda: '13.0' }, gpu)).toMatch(/sees no GPU/)
    expect(environmentTrouble({ ...facts, torch: '2.9.0', cuda: '13.0', isCudaAvailable: true }, gpu)).toBeNull()
  })
})
