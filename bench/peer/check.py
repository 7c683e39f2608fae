"""python check.py GOLDEN_FOLDER: the peer's losses and gradients against the recorded ones of cases 01, 01b, 03 and 03c."""

import json
import struct
import sys
from pathlib import Path

import torch

from models import Autoencoder, Calm


def read(path):
    """A safetensors file, without another dependency."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack('<Q', data[:8])
    header, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    types = {'F32': torch.float32, 'I32': torch.int32, 'U8': torch.uint8, 'I64': torch.int64, 'F64': torch.float64, 'BOOL': torch.bool}
    out = {}
    for name, info in header.items():
        if name == '__metadata__':
            continue
        begin, end = info['data_offsets']
        out[name] = torch.frombuffer(body[begin:end], dtype=types[info['dtype']]).reshape(info['shape']) if end > begin else torch.zeros(info['shape'])
    return out


def check(case):
    config = json.loads((case / 'config.json').read_text())
    weights, io, expected, grads = (read(case / f'{n}.safetensors') for n in ('weights', 'io', 'expected', 'grads'))
    p = {name: tensor.clone().requires_grad_(name in grads) for name, tensor in weights.items()}
    if 'num_encoder_layers' in config:
        k = config['patch_size']
        mask = (io['rng.token_mask_u'] > config['ae_dropout']).long().reshape(-1, k)
        size = (mask.shape[0], config['latent_size'])
        loss = Autoencoder(config).loss(p, io['in.input_ids'].long().reshape(-1, k), mask, io['rng.eps'].reshape(size), io['rng.latent_dropout_mask'].reshape(size))
        recorded = expected['train.loss']
    else:
        calm = Calm(config, json.loads((case / 'ae_config.json').read_text()))
        keep = (io['in.labels'][:, config['patch_size'] :: config['patch_size']] != -100).flatten()
        loss = calm.loss(p, io['in.input_ids'].long(), expected['ae_mean'], expected['ae_log_std'], io['rng.noise_u'] - 0.5, io['rng.target_eps'], keep=keep)
        recorded = expected['loss']
    loss.backward()
    worst = max(((p[n].grad - g).abs().max() / g.abs().max()).item() for n, g in grads.items() if g.abs().max() > 0)
    print(f'{case.name}: loss {loss.item():.6f}, recorded {recorded.item():.6f}; gradients within {worst:.1e}')
    return abs(loss.item() - recorded.item()) < 3e-5 * abs(recorded.item()) and worst < 3e-5


if __name__ == '__main__':
    root = Path(sys.argv[1])
    results = [check(root / name) for name in ('01_autoencoder', '01b_autoencoder', '03_calm_energy', '03c_calm_energy')]
    sys.exit(0 if all(results) else 1)
