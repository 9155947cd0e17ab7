/** Arguments: the hash, the address, where to put the program. For machines that have Python and no pip. */
export const fetchUv = `
import hashlib, io, os, sys, urllib.request, zipfile
wanted, url, target = sys.argv[1:4]
with urllib.request.urlopen(url, timeout=120) as answer:
    data = answer.read(200 * 1024 * 1024)
found = hashlib.sha256(data).hexdigest()
if found != wanted:
    sys.exit('the hash is %s and not %s: nothing was installed' % (found, wanted))
with zipfile.ZipFile(io.BytesIO(data)) as wheel:
    name = [n for n in wheel.namelist() if n.endswith('/scripts/uv')][0]
    program = wheel.read(name)
os.makedirs(os.path.dirname(target), exist_ok=True)
part = target + '.part'
with open(part, 'wb') as out:
    out.write(program)
    out.flush()
    os.fsync(out.fileno())
os.chmod(part, 0o755)
os.rename(part, target)
`

/** Reads the pins as JSON on standard input; says what is installed and what differs, in one line. */
export const checkPackages = `
import json, sys
from importlib import metadata
pins = json.load(sys.stdin)
wrong, count = [], 0
for name, (versions, has_marker) in sorted(pins.items()):
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        if not has_marker:
            wrong.append('%s: missing, not %s' % (name, ' or '.join(versions)))
        continue
    count += 1
    if found not in versions:
        wrong.append('%s: %s, not %s' % (name, found, ' or '.join(versions)))
facts = {'python': sys.version.split()[0], 'packages': count, 'wrong': wrong, 'torch': None, 'cuda': None,
         'isCudaAvailable': False, 'trouble': None}
try:
    metadata.version('torch')
    has_torch = True
except metadata.PackageNotFoundError:
    has_torch = False
if has_torch:
    try:
        import torch
        facts['torch'] = str(torch.__version__)
        facts['cuda'] = torch.version.cuda
        facts['isCudaAvailable'] = bool(torch.cuda.is_available())
    except Exception as error:
        facts['trouble'] = ('%s: %s' % (type(error).__name__, error))[:300]
print('kx-environment ' + json.dumps(facts))
`
