"""Files that are whole or not there, and checkpoints that are known by their hash."""
import hashlib
import io
import json
import os

import torch


def write_whole(path, data):
    """Temporary name, fsync, rename, fsync of the folder: a kill at any moment leaves the old file or the new one."""
    part = f'{path}.tmp'
    with open(part, 'wb') as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_json(path, value):
    write_whole(path, (json.dumps(value) + '\n').encode())


def sha256_of(path):
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


class Lines:
    """One JSON object a line, each in one write. A torn last line of a killed run is closed first."""

    def __init__(self, path):
        self.file = open(path, 'ab', buffering=0)
        if self.file.tell() > 0:
            with open(path, 'rb') as before:
                before.seek(-1, os.SEEK_END)
                if before.read(1) != b'\n':
                    self.file.write(b'\n')

    def append(self, value):
        self.file.write((json.dumps(value) + '\n').encode())

    def close(self):
        self.file.close()


HEADER = b'cpcv-torch 1 '


def save_checkpoint(folder, state):
    """The one before stays as previous.ckpt. A .pt that loads is not therefore intact, so the hash stands at the front."""
    body = io.BytesIO()
    torch.save(state, body)
    data = body.getvalue()
    latest = os.path.join(folder, 'latest.ckpt')
    if os.path.exists(latest):
        os.replace(latest, os.path.join(folder, 'previous.ckpt'))
    write_whole(latest, HEADER + hashlib.sha256(data).hexdigest().encode() + b'\n' + data)


def load_checkpoint(folder):
    """The newest one, None when there is none. One that cannot be trusted ends the unit and is left as it is."""
    for name in ('latest.ckpt', 'previous.ckpt'):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            continue
        advice = 'move it away to start over, or put previous.ckpt in its place'
        with open(path, 'rb') as file:
            head, data = file.readline(200), file.read()
        if not head.startswith(HEADER) or hashlib.sha256(data).hexdigest().encode() != head[len(HEADER):].strip():
            raise SystemExit(f'checkpoint {path} fails its own SHA-256; {advice}')
        # Tensors and plain values only: nothing in a checkpoint is ever executed.
        return torch.load(io.BytesIO(data), map_location='cpu', weights_only=True)
    return None
