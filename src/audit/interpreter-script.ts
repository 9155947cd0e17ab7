/**
 * One line of JSON about CUDA, from the interpreter that runs it. Of each card a single mebibyte is taken, written, read back
 * and given back: a card that is seen and whose memory is refused (another tenant, a lost card) trains nothing. The context
 * that this needs goes with the process.
 */
export const interpreterScript = `
import json, sys
facts = {'executable': sys.executable, 'python': sys.version.split()[0], 'torch': None, 'cuda': None,
         'available': False, 'devices': [], 'architectures': [], 'trouble': None}
try:
    import torch
    facts['torch'] = str(torch.__version__)
    facts['cuda'] = torch.version.cuda
    facts['available'] = bool(torch.cuda.is_available())
    if facts['available']:
        facts['architectures'] = list(torch.cuda.get_arch_list())
        for i in range(min(torch.cuda.device_count(), 64)):
            p = torch.cuda.get_device_properties(i)
            free, trouble = None, None
            try:
                free = int(torch.cuda.mem_get_info(i)[0])
                piece = torch.ones(1 << 20, dtype=torch.uint8, device='cuda:%d' % i)
                if int(piece.sum(dtype=torch.int64).item()) != 1 << 20:
                    trouble = 'what was written there reads back as something else'
                del piece
            except Exception as error:
                trouble = ('%s: %s' % (type(error).__name__, error)).splitlines()[0][:200]
            facts['devices'].append([p.name, p.total_memory, '%d.%d' % (p.major, p.minor), free, trouble])
except Exception as error:
    facts['trouble'] = ('%s: %s' % (type(error).__name__, error))[:200]
print('kx-interpreter ' + json.dumps(facts))
`
