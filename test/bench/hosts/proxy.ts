// A link with so much delay to each direction, as a process: `proxy.ts <port> <milliseconds>` prints the port that it has,
// and ends with its input. kx and the bench are one process; a proxy in it too would slow down kx alone.
import { startProxy } from '../../harness/link-proxy.ts'

const [port, milliseconds] = process.argv.slice(2).map(Number)
if (port === undefined || milliseconds === undefined) throw new Error('proxy.ts wants a port and milliseconds')
const proxy = await startProxy(port)
proxy.delay(milliseconds)
console.log(String(proxy.port))
process.stdin.resume().once('end', () => process.exit(0))
