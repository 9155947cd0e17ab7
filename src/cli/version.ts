import packageFile from '../../package.json' with { type: 'json' }

/** Version of this kx, as in package.json. */
export function version(): string {
  return packageFile.version
}
