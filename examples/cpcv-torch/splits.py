"""Combinatorial purged cross-validation: which rows a split trains on, which it is tested on."""
from itertools import combinations


def all_splits(groups, choose):
    """Every choice of `choose` out of `groups` groups, in lexicographic order: 10 choose 2 gives 45."""
    return list(combinations(range(groups), choose))


def split_rows(rows, groups, test_groups, purge_rows, embargo_rows):
    """Training rows near the edge of a test block are dropped, and a few more after it."""
    # Halves go up: round() of Python takes them to the even side.
    edges = [(2 * group * rows + groups) // (2 * groups) for group in range(groups + 1)]
    blocks = [range(edges[group], edges[group + 1]) for group in test_groups]
    train, test, dropped = [], [], 0
    for row in range(rows):
        if any(row in block for block in blocks):
            test.append(row)
        elif any(block.start - purge_rows <= row < block.stop + purge_rows + embargo_rows for block in blocks):
            dropped += 1
        else:
            train.append(row)
    return train, test, dropped
