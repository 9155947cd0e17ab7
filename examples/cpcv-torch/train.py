"""One split of combinatorial purged cross-validation in PyTorch, by the unit contract (docs/unit-contract.md, version 1).

    python train.py --split 7 [--epochs 300]

Without kx it works too: KX_UNIT_DIR then defaults to ./out/split-<n>. On a GPU when there is one and CPCV_DEVICE is not
cpu. CPCV_WANDB=offline keeps a W&B log in the unit's folder, where the package is installed.
"""
import argparse
import csv
import json
import math
import os
import platform
import signal
import sys
import time
from importlib import metadata
from pathlib import Path

# Read by cuBLAS when it starts; without it some of its sums differ from run to run.
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
import torch
from torch import nn

from files import Lines, load_checkpoint, save_checkpoint, sha256_of, write_json
from splits import all_splits, split_rows

HERE = Path(__file__).resolve().parent


def deterministic(seed):
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def device_of(wish):
    if wish == 'cpu':
        return torch.device('cpu')
    if torch.cuda.is_available():
        return torch.device('cuda')
    if wish == 'cuda':
        raise SystemExit('CPCV_DEVICE=cuda, and torch sees no GPU: nothing falls back to the CPU in silence')
    return torch.device('cpu')


def read_data(path):
    with open(path, newline='') as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    table = torch.tensor(rows, dtype=torch.float64)
    return table[:, :-1], table[:, -1]


def score(model, x, y):
    model.eval()
    with torch.no_grad():
        guess = (model(x).squeeze(1) > 0).to(y.dtype)
    hit = (guess * y).sum().item()
    wrong = (guess != y).sum().item()
    found, real = guess.sum().item(), y.sum().item()
    return {'accuracy': 1 - wrong / len(y), 'f1': 0.0 if hit == 0 else 2 * hit / (found + real)}


def packages():
    names = ('torch', 'triton', 'nvidia-cublas', 'nvidia-cudnn-cu13', 'wandb')
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def fingerprint(seed, device):
    is_gpu = device.type == 'cuda'
    return {
        'runtime': f'python {platform.python_version()}',
        'torch': str(torch.__version__),
        'cuda': torch.version.cuda,
        'cudnn': torch.backends.cudnn.version() if is_gpu else None,
        'gpu': torch.cuda.get_device_name(device) if is_gpu else 'none',
        'platform': sys.platform,
        'architecture': platform.machine(),
        'threads': torch.get_num_threads(),
        'deterministic': torch.are_deterministic_algorithms_enabled(),
        'cublas_workspace': os.environ['CUBLAS_WORKSPACE_CONFIG'],
        'seed': seed,
        'script_sha256': sha256_of(__file__),
        'config_sha256': sha256_of(HERE / 'config.json'),
        'lock_sha256': sha256_of(HERE / 'requirements.lock'),
        'data_sha256': sha256_of(HERE / 'data' / 'wdbc.csv'),
        'dependencies': packages(),
    }


def tracker(folder, unit, config, seed):
    """W&B without a network: the log lies in the unit's folder until somebody runs `wandb sync`. Off in a smoke."""
    wish = os.environ.get('CPCV_WANDB', 'off')
    if wish == 'off' or os.environ.get('KX_SMOKE') == '1':
        return None
    if wish != 'offline':
        raise SystemExit(f'CPCV_WANDB is {wish!r}: only off and offline are known; a run sends nothing by itself')
    import wandb

    run_id = f"{os.environ.get('KX_RUN_ID', 'by-hand')}-{unit}"
    return wandb.init(
        project='cpcv-torch', id=run_id, name=unit, mode='offline', resume='allow', dir=folder, config={**config, 'seed': seed}
    )


def number(value):
    """JSON has no NaN: the contract writes it as a string."""
    return value if math.isfinite(value) else str(value)


def main():
    config = json.loads((HERE / 'config.json').read_text())
    parser = argparse.ArgumentParser()
    parser.add_argument('--split', type=int, default=int(os.environ.get('KX_UNIT_INDEX', '0')))
    parser.add_argument('--epochs', type=int, default=int(os.environ.get('CPCV_EPOCHS') or config['epochs']))
    args = parser.parse_args()
    splits = all_splits(config['groups'], config['choose'])
    if not 0 <= args.split < len(splits):
        raise SystemExit(f'split {args.split} does not exist: there are {len(splits)}, from 0')
    seed = int(os.environ.get('KX_SEED', '0'))
    unit = os.environ.get('KX_UNIT', f'split-{args.split}')
    folder = Path(os.environ.get('KX_UNIT_DIR', Path('out') / unit)).resolve()
    checkpoints = Path(os.environ.get('KX_CHECKPOINT_DIR', folder / 'checkpoints')).resolve()
    checkpoints.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / 'result.json').exists():
        print(f'{unit}: already finished, nothing to do')
        return 0

    deterministic(seed * 1000 + args.split)
    device = device_of(os.environ.get('CPCV_DEVICE', 'auto'))
    x, y = read_data(HERE / 'data' / 'wdbc.csv')
    test_groups = splits[args.split]
    train_rows, test_rows, dropped = split_rows(
        len(x), config['groups'], test_groups, config['purge_rows'], config['embargo_rows']
    )
    # By the training rows alone: nothing of the test rows leaks in.
    mean, deviation = x[train_rows].mean(0), x[train_rows].std(0, correction=0)
    x = ((x - mean) / torch.where(deviation == 0, 1.0, deviation)).to(device)
    y = y.to(device)
    # Of the CPU whatever computes, so that the order of rows is the same on every machine.
    order = torch.Generator().manual_seed(seed * 1000 + args.split)
    shuffled = torch.tensor(train_rows)[torch.randperm(len(train_rows), generator=order)]
    held = round(len(train_rows) * config['validation_share'])
    validation, training = shuffled[:held], shuffled[held:]
    print(f'{unit}: loaded {len(x)} rows x {x.shape[1]} features; test groups {test_groups}; on {device}', flush=True)

    model = nn.Sequential(nn.Linear(x.shape[1], config['hidden']), nn.Tanh(), nn.Linear(config['hidden'], 1))
    model = model.to(torch.float64).to(device)
    optimiser = torch.optim.SGD(
        model.parameters(),
        lr=config['learning_rate'],
        momentum=config['momentum'],
        weight_decay=config['weight_decay'],
    )
    loss_of = nn.BCEWithLogitsLoss()
    identity = {'unit': unit, 'split': args.split, 'seed': seed, 'features': x.shape[1], 'hidden': config['hidden']}
    epoch, nan_count, spent, last_loss = 0, 0, 0.0, None
    best = {'epoch': 0, 'val_acc': -1.0, 'weights': {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}}

    found = load_checkpoint(checkpoints)
    if found is not None:
        for key, value in identity.items():
            if found['identity'][key] != value:
                raise SystemExit(f"checkpoint was made with {key} = {found['identity'][key]}, this run has {key} = {value}")
        model.load_state_dict(found['model'])
        optimiser.load_state_dict(found['optimiser'])
        order.set_state(found['order'])
        torch.set_rng_state(found['rng'])
        best, epoch, nan_count = found['best'], found['epoch'], found['nan_count']
        spent, last_loss = found['elapsed_s'], found['loss']
        print(f'{unit}: resumed from epoch {epoch}', flush=True)
    else:
        print(f'{unit}: starts at epoch 0', flush=True)
    write_json(folder / 'env_fingerprint.json', fingerprint(seed, device))

    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    began = time.monotonic()

    def save():
        before = time.monotonic()
        save_checkpoint(
            checkpoints,
            {
                'identity': identity,
                'model': {k: v.cpu() for k, v in model.state_dict().items()},
                'optimiser': optimiser.state_dict(),
                'order': order.get_state(),
                'rng': torch.get_rng_state(),
                'best': best,
                'epoch': epoch,
                'nan_count': nan_count,
                'loss': last_loss,
                'elapsed_s': spent + time.monotonic() - began,
            },
        )
        return time.monotonic() - before

    log = tracker(folder, unit, config, seed)
    metrics = Lines(folder / 'metrics.jsonl')
    saved_seconds = None
    while epoch < args.epochs:
        model.train()
        rows = training[torch.randperm(len(training), generator=order)]
        total = 0.0
        for batch in rows.split(config['batch_rows']):
            optimiser.zero_grad()
            loss = loss_of(model(x[batch.to(device)]).squeeze(1), y[batch.to(device)])
            loss.backward()
            optimiser.step()
            total += loss.item() * len(batch)
        epoch += 1
        last_loss = number(total / len(training))
        nan_count += isinstance(last_loss, str)
        train = score(model, x[training.to(device)], y[training.to(device)])
        val = score(model, x[validation.to(device)], y[validation.to(device)])
        if not isinstance(last_loss, str) and val['accuracy'] > best['val_acc']:
            weights = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
            best = {'epoch': epoch, 'val_acc': val['accuracy'], 'weights': weights}
        line = {
            'step': epoch,
            'steps': args.epochs,
            'time': time.time(),
            'loss': last_loss,
            'train_acc': train['accuracy'],
            'val_acc': val['accuracy'],
        }
        if saved_seconds is not None:
            line['checkpoint_s'] = saved_seconds
        metrics.append(line)
        if log is not None:
            log.log({k: v for k, v in line.items() if k not in ('step', 'steps', 'time')}, step=epoch)
        # The line first, then the checkpoint: a kill between the two repeats a step, and never loses one.
        is_due = epoch % config['checkpoint_every'] == 0 or epoch == args.epochs
        saved_seconds = save() if is_due else None
        if epoch % 50 == 0 or epoch == 1:
            print(f"{unit}: epoch {epoch}/{args.epochs} loss {last_loss} val_acc {val['accuracy']:.4f}", flush=True)
        if stop:
            save()
            metrics.close()
            print(f'{unit}: asked to stop, saved at epoch {epoch}', flush=True)
            return 143
    metrics.close()

    model.load_state_dict(best['weights'])
    parts = {name: rows for name, rows in (('test', torch.tensor(test_rows)), ('train', training), ('val', validation))}
    scores = {name: score(model, x[rows.to(device)], y[rows.to(device)]) for name, rows in parts.items()}
    result = {
        'unit': unit,
        'test_acc': scores['test']['accuracy'],
        'test_f1': scores['test']['f1'],
        'train_acc': scores['train']['accuracy'],
        'val_acc': scores['val']['accuracy'],
        'loss': last_loss,
        'epochs': args.epochs,
        'best_epoch': best['epoch'],
        'elapsed_s': spent + time.monotonic() - began,
        'device': device.type,
        'test_groups': list(test_groups),
        'nan_count': nan_count,
        'rows_train': len(training),
        'rows_test': len(test_rows),
        'rows_dropped': dropped,
        'seed': seed,
    }
    if log is not None:
        log.summary.update({k: v for k, v in result.items() if isinstance(v, (int, float))})
        log.finish()
    write_json(folder / 'result.json', result)
    print(f"{unit}: finished, test_acc {result['test_acc']:.4f} test_f1 {result['test_f1']:.4f}", flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
