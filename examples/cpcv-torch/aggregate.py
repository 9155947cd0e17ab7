"""After step: gathers the results of all splits into metrics.json, and the one environment that they share.

    python aggregate.py [--expect 45]
"""
import argparse
import json
import os
import statistics
import sys
from datetime import datetime, timezone
from pathlib import Path

from files import write_json

CHANCE = 0.627


def spread(values):
    return {
        'n': len(values),
        'mean': statistics.fmean(values),
        'sd': statistics.stdev(values) if len(values) > 1 else None,
        'min': min(values),
        'max': max(values),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--expect', type=int)
    expected = parser.parse_args().expect
    run = Path(os.environ.get('KX_RUN_DIR', 'out')).resolve()
    units = run / 'units' if 'KX_RUN_DIR' in os.environ else run
    results = {path.parent.name: json.loads(path.read_text()) for path in sorted(units.glob('*/result.json'))}
    if not results or (expected is not None and len(results) != expected):
        sys.exit(f'aggregate.py: {len(results)} results under {units}, expected {expected or "at least one"}')

    # Each unit has a seed of its own; all else must be the same in every unit.
    kinds, seeds = {}, []
    for unit in results:
        path = units / unit / 'env_fingerprint.json'
        shared = json.loads(path.read_text()) if path.exists() else {'seed': None, 'missing': True}
        seeds.append(shared.pop('seed'))
        kinds.setdefault(json.dumps(shared, sort_keys=True), []).append(unit)
    if len(kinds) != 1 or None in seeds:
        lines = [f'  {len(names)} splits ({names[0]}…): {text[:120]}' for text, names in kinds.items()]
        sys.exit('aggregate.py: the splits were not all made in one environment, so they cannot be compared:\n' + '\n'.join(lines))

    every = list(results.values())
    keys = ('test_acc', 'test_f1', 'train_acc', 'val_acc', 'best_epoch', 'elapsed_s')
    summary = {key: spread([result[key] for result in every]) for key in keys}
    nan_count = sum(result['nan_count'] for result in every)
    seconds = sum(result['elapsed_s'] for result in every)
    on_gpu = sum(result['elapsed_s'] for result in every if result['device'] == 'cuda')
    write_json(
        run / 'metrics.json',
        {
            'experiment': 'cpcv-torch',
            'timestamp': datetime.now(timezone.utc).isoformat(),
            'summary': summary,
            'per_split': results,
            'sanity_checks': {
                'splits': len(results),
                'nan_count': nan_count,
                'below_chance': sum(result['test_acc'] <= CHANCE for result in every),
            },
            'resource_usage': {
                'gpu_hours': on_gpu / 3600,
                'wall_clock_seconds': seconds,
                'total_training_steps': sum(result['epochs'] for result in every),
                'total_runs': len(results),
            },
            'abort_triggered': nan_count > 0,
        },
    )
    fingerprint = json.loads(next(iter(kinds)))
    write_json(run / 'env_fingerprint.json', {**fingerprint, 'seeds': ' '.join(map(str, seeds))})
    mean, sd = summary['test_acc']['mean'], summary['test_acc']['sd']
    print(f'{len(results)} splits: test_acc {mean:.4f} ± {"n/a" if sd is None else format(sd, ".4f")}')


if __name__ == '__main__':
    main()
