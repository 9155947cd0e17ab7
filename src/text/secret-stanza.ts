/**
 * Secret values as one text for standard input, the only way that they go: a line a value, then `end`, without which
 * nobody takes any. `printf %b` of a shell gives a value back, whatever it holds but NUL.
 */
export function secretStanza(values: ReadonlyMap<string, string>): string {
  const lines = [...values].map(([name, value]) => {
    if (value.includes('\0')) throw new Error(`The secret ${name} holds a NUL character, which no variable can.`)
    return `${name}=${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`
  })
  return `${lines.join('')}end\n`
}

/** Variables that a shell or the contract needs for itself: no secret may go by such a name. */
const taken = /^(?:KX_.*|kx_.*|PATH|IFS|HOME|PWD|OLDPWD|ENV|LD_.*|_)$/
export const isTakenName = (name: string): boolean => taken.test(name)

/**
 * Part of a POSIX sh script: reads a stanza from standard input and exports each value, in a shell that is about to become
 * the program. By builtins alone, so that no value is an argument of anything.
 */
export const exportStanza = `kx_ended=
while IFS= read -r kx_line; do
  if [ "$kx_line" = end ]; then kx_ended=1; break; fi
  kx_value=$(printf '%bx' "\${kx_line#*=}")
  export "\${kx_line%%=*}=\${kx_value%x}"
done
[ -n "$kx_ended" ] || exit 125
unset kx_ended kx_line kx_value`
