"""One task in one process: python worker.py TASK SIZE [--compile] [--bf16]. Each line on stdin, a number of repetitions, is answered by a line of JSON."""

import json
import resource
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from models import Autoencoder, Calm, adamw, autoencoder_shapes, calm_shapes, init

task, size = sys.argv[1:3]
sizes = json.loads((Path(__file__).parent.parent / 'sizes.json').read_text())[size]
ae_config, config = sizes['autoencoder'], sizes['calm']
rows, patches, k, latent = sizes['rows'], sizes['patches'], ae_config['patch_size'], ae_config['latent_size']
torch.manual_seed(1)
# As PyTorch's manual has it: the forward pass alone, with weights and optimiser in float32.
autocast = lambda: torch.autocast('cpu', torch.bfloat16, enabled='--bf16' in sys.argv)
PROMPT_PATCHES, NEW_PATCHES, CANDIDATES, ENCODE_PATCHES = 16, 8, 200, 2048


def train(parameters, loss, batch):
    for tensor in parameters.values():
        tensor.requires_grad_(True)
    optimizer, tensors = adamw(parameters), list(parameters.values())
    loss = torch.compile(loss) if '--compile' in sys.argv else loss

    def run():
        with autocast():
            value = loss(parameters, *batch())
        value.backward()
        torch.nn.utils.clip_grad_norm_(tensors, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return value.item()

    return run, rows * patches * k


def make():
    ids = lambda *shape: torch.randint(1, ae_config['vocab_size'], shape)
    if task == 'autoencoder':
        return train(init(autoencoder_shapes(ae_config)), Autoencoder(ae_config).loss, lambda: (ids(rows * patches, k),))
    if task == 'language-model':
        mean, log_std = torch.randn(rows * patches, latent), torch.full((rows * patches, latent), -1.0)
        return train(init(calm_shapes(config)), Calm(config, ae_config).loss, lambda: (ids(rows, (patches + 1) * k), mean, log_std))
    ae, calm, pa = Autoencoder(ae_config), Calm(config, ae_config), init(autoencoder_shapes(ae_config))
    if task == 'encode-corpus':
        text = ids(ENCODE_PATCHES, k)
        return autocast()(torch.no_grad()(lambda: ae.encode(pa, text)[0].sum().item())), ENCODE_PATCHES * k
    p = init(calm_shapes(config))
    noise = lambda *shape: torch.rand(*shape, config['noise_size']) - 0.5
    if task == 'brierlm':
        text = ids(rows, (patches + 1) * k)

        def brier():
            hidden = calm.backbone(p, calm.embed(p, text[:, :-k])).flatten(0, 1).unsqueeze(0).repeat(2, 1, 1)
            draws = calm.sample(p, hidden, noise(2, rows * patches))
            x1, x2 = ae.decode(pa, draws.flatten(0, 1)).argmax(-1).view(2, rows * patches, k)
            y = text[:, k:].reshape(-1, k)
            agree = [(a == b).long().cumprod(-1).float().mean(0) for a, b in ((x1, y), (x2, y), (x1, x2))]
            return (agree[0] + agree[1] - agree[2]).sum().item()

        return autocast()(torch.no_grad()(brier)), rows * patches * k
    if task in ('sampling', 'sampling-plain'):
        candidates = CANDIDATES if task == 'sampling' else 1
        prompt = ids(1, PROMPT_PATCHES * k)

        def generate():
            cache, fed = [], prompt
            for _ in range(NEW_PATCHES):
                hidden = calm.backbone(p, calm.embed(p, fed), cache)[:, -1]
                draws = calm.sample(p, hidden.unsqueeze(0).repeat(candidates, 1, 1), noise(candidates, 1))
                pool = [tuple(patch) for patch in ae.decode(pa, draws.flatten(0, 1)).argmax(-1).tolist()]
                counts = {patch: pool.count(patch) for patch in dict.fromkeys(pool)}
                most = 2 if max(counts.values()) >= 2 else 1
                weights = {patch: count * (count - 1) / 2 if most == 2 else count for patch, count in counts.items() if count >= most}
                chosen = list(weights)[torch.multinomial(torch.tensor(list(weights.values()), dtype=torch.float32), 1).item()]
                fed = torch.tensor([chosen])
            return float(sum(chosen))

        return autocast()(torch.no_grad()(generate)), NEW_PATCHES * k
    if task == 'gemm':
        a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
        return autocast()(lambda: torch.mm(a, b)[0, 0].item()), 0
    raise SystemExit(f'no task {task}')


run, tokens = make()
print(json.dumps({'ready': True}), flush=True)
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({'medianMs': 1000 * statistics.median(times), 'tokens': tokens, 'peakMegabytes': peak}), flush=True)
