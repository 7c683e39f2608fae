"""The reference's mathematics in plain PyTorch: autoencoder, CALM with the energy head, and their losses.

Parameters are a dict under the reference's state-dict names. Written for the benchmark, straightforwardly, as its users would; check.py holds it
against the golden cases.
"""

import math

import torch
import torch.nn.functional as F


def rms_norm(x, weight, eps):
    return F.rms_norm(x, weight.shape, weight, eps)


def layer_norm(p, name, x):
    return F.layer_norm(x, x.shape[-1:], p[f'{name}.weight'], p[f'{name}.bias'], 1e-6)


def linear(p, name, x):
    return F.linear(x, p[f'{name}.weight'], p.get(f'{name}.bias'))


def swiglu(p, name, x):
    return linear(p, f'{name}.down_proj', F.silu(linear(p, f'{name}.gate_proj', x)) * linear(p, f'{name}.up_proj', x))


class Autoencoder:
    def __init__(self, config):
        self.c = config

    def layers(self, p, name, first, last, x):
        for i in range(first, last):
            x = x + swiglu(p, f'{name}.{i}.mlp', rms_norm(x, p[f'{name}.{i}.layernorm.weight'], self.c['rms_norm_eps']))
        return x

    def encode(self, p, ids):
        """ids [patches, K] → mean, log_std [patches, latent]"""
        half = self.c['num_encoder_layers'] // 2
        x = self.layers(p, 'encoder.encoder_layers', 0, half, F.embedding(ids, p['encoder.embed_tokens.weight']))
        x = linear(p, 'encoder.squeeze_layer', x.reshape(ids.shape[0], -1))
        x = self.layers(p, 'encoder.encoder_layers', half, 2 * half, x)
        return linear(p, 'encoder.hidden_to_latent', rms_norm(x, p['encoder.norm.weight'], self.c['rms_norm_eps'])).chunk(2, -1)

    def decode(self, p, z):
        """z [patches, latent] → logits [patches, K, vocabulary]"""
        half = self.c['num_decoder_layers'] // 2
        x = self.layers(p, 'decoder.decoder_layers', 0, half, linear(p, 'decoder.latent_to_hidden', z))
        x = linear(p, 'decoder.expand_layer', x).reshape(z.shape[0], self.c['patch_size'], -1)
        x = self.layers(p, 'decoder.decoder_layers', half, 2 * half, x)
        return F.linear(rms_norm(x, p['decoder.norm.weight'], self.c['rms_norm_eps']), p['encoder.embed_tokens.weight'])

    def loss(self, p, ids, token_mask=None, eps=None, latent_mask=None):
        rate = self.c['ae_dropout']
        if token_mask is None:
            token_mask = (torch.rand(ids.shape) > rate).long()
        mean, log_std = self.encode(p, ids * token_mask)
        z = mean + (torch.randn_like(mean) if eps is None else eps) * log_std.exp()
        z = F.dropout(z, rate) if latent_mask is None else z * latent_mask / (1 - rate)
        ce = F.cross_entropy(self.decode(p, z).flatten(0, 1), ids.flatten())
        kl = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std)
        return ce * self.c['patch_size'] + self.c['kl_weight'] * kl.clamp(min=self.c['kl_clamp']).sum(-1).mean()


class Calm:
    def __init__(self, config, ae_config):
        self.c, self.ae = config, Autoencoder(ae_config)
        self.head_size = config['hidden_size'] // config['num_attention_heads']

    def embed(self, p, ids):
        """ids [batch, patches·K] → [batch, patches, hidden]"""
        x = F.embedding(ids, p['transformer.embed_tokens.weight'], self.c['pad_token_id'])
        x = x.reshape(ids.shape[0], -1, self.c['patch_size'] * self.c['hidden_size'])
        return layer_norm(p, 'embed_proj.3', linear(p, 'embed_proj.2', F.silu(linear(p, 'embed_proj.0', x))))

    def rotate(self, x, start):
        size = self.head_size
        angles = torch.arange(start, start + x.shape[2])[:, None] * self.c['rope_theta'] ** (-torch.arange(0, size, 2) / size)
        cos, sin = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)
        return x * cos + torch.cat([-x[..., size // 2 :], x[..., : size // 2]], -1) * sin

    def backbone(self, p, x, cache=None):
        """x [batch, patches, hidden] → the same after the final norm; `cache`, a list of (keys, values), grows in place"""
        c, (batch, patches, _) = self.c, x.shape
        start = cache[0][0].shape[2] if cache else 0
        for i in range(c['num_hidden_layers']):
            name = f'transformer.layers.{i}'
            normed = rms_norm(x, p[f'{name}.input_layernorm.weight'], c['rms_norm_eps'])
            q, k, v = (linear(p, f'{name}.self_attn.{n}_proj', normed).view(batch, patches, -1, self.head_size).transpose(1, 2) for n in 'qkv')
            q, k = self.rotate(q, start), self.rotate(k, start)
            if cache is not None:
                if start:
                    k, v = torch.cat([cache[i][0], k], 2), torch.cat([cache[i][1], v], 2)
                    cache[i] = (k, v)
                else:
                    cache.append((k, v))
            group = c['num_attention_heads'] // c['num_key_value_heads']
            k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=patches > 1)
            x = x + linear(p, f'{name}.self_attn.o_proj', attended.transpose(1, 2).reshape(batch, patches, -1))
            x = x + swiglu(p, f'{name}.mlp', rms_norm(x, p[f'{name}.post_attention_layernorm.weight'], c['rms_norm_eps']))
        return rms_norm(x, p['transformer.norm.weight'], c['rms_norm_eps'])

    def sample(self, p, hidden, noise):
        """hidden [n, positions, hidden], noise [n, positions, noise] → latents [n, positions, latent]"""
        g = 'mlp_generator'
        x = layer_norm(p, f'{g}.norm_noise', linear(p, f'{g}.noise_embd', noise))
        y = layer_norm(p, f'{g}.norm_hidden', linear(p, f'{g}.hidden_embd', hidden))
        for i in range(self.c['num_mlp_layers']):
            b = f'{g}.mlp_blocks.{i}'
            u = F.silu(linear(p, f'{b}.linears.0', torch.cat([layer_norm(p, f'{b}.in_ln', x), y], -1)))
            gate, up = linear(p, f'{b}.linears.4', F.silu(linear(p, f'{b}.linears.2', u))).chunk(2, -1)
            x = x + linear(p, f'{b}.down_proj', F.silu(gate) * up)
        f = f'{g}.final_layer'
        return linear(p, f'{f}.linears.2', F.silu(linear(p, f'{f}.linears.0', layer_norm(p, f'{f}.in_ln', x))))

    def energy_loss(self, x, mean, log_std, eps):
        """x [n, positions, latent], eps [m, positions, latent]; broadcast differences, as the reference has it"""
        n, beta = x.shape[0], self.c['beta']
        distance_x = torch.linalg.norm(x.unsqueeze(1) - x.unsqueeze(0), ord=2, dim=-1).pow(beta).sum((0, 1)) / (n * (n - 1))
        y = mean + eps * log_std.exp()
        distance_y = torch.linalg.norm(x.unsqueeze(1) - y.unsqueeze(0), ord=2, dim=-1).pow(beta).mean((0, 1))
        return -(distance_x - 2 * distance_y).mean()

    def loss(self, p, ids, mean, log_std, noise=None, eps=None, num_targets=100, keep=None):
        """ids [batch, patches·K]; mean, log_std [positions, latent] of every patch but the first; `keep`: which positions count"""
        n = self.c['num_samples']
        hidden = self.backbone(p, self.embed(p, ids[:, : -self.c['patch_size']])).flatten(0, 1)
        if keep is not None:
            hidden = hidden[keep]
        if noise is None:
            noise = torch.rand(n, hidden.shape[0], self.c['noise_size']) - 0.5
        if eps is None:
            eps = torch.randn(num_targets, *mean.shape)
        return self.energy_loss(self.sample(p, hidden.unsqueeze(0).repeat(n, 1, 1), noise), mean, log_std, eps)


def init(shapes, std=0.02, seed=1):
    generator = torch.Generator().manual_seed(seed)

    def value(name, shape):
        if len(shape) > 1:
            return torch.randn(shape, generator=generator) * std
        return torch.zeros(shape) if name.endswith('bias') else torch.ones(shape)

    return {name: value(name, shape) for name, shape in shapes.items()}


def swiglu_shapes(name, size, intermediate):
    return {f'{name}.gate_proj.weight': (intermediate, size), f'{name}.up_proj.weight': (intermediate, size), f'{name}.down_proj.weight': (size, intermediate)}


def linear_shapes(name, inside, outside):
    return {f'{name}.weight': (outside, inside), f'{name}.bias': (outside,)}


def autoencoder_shapes(c):
    h, k, latent = c['hidden_size'], c['patch_size'], c['latent_size']
    shapes = {'encoder.embed_tokens.weight': (c['vocab_size'], h), 'encoder.norm.weight': (h,), 'decoder.norm.weight': (h,)}
    for side in ('encoder', 'decoder'):
        for i in range(c[f'num_{side}_layers']):
            shapes |= swiglu_shapes(f'{side}.{side}_layers.{i}.mlp', h, c['intermediate_size']) | {f'{side}.{side}_layers.{i}.layernorm.weight': (h,)}
    shapes |= linear_shapes('encoder.squeeze_layer', k * h, h) | linear_shapes('encoder.hidden_to_latent', h, 2 * latent)
    return shapes | linear_shapes('decoder.latent_to_hidden', latent, h) | linear_shapes('decoder.expand_layer', h, k * h)


def calm_shapes(c):
    h, k, kv = c['hidden_size'], c['patch_size'], c['hidden_size'] // c['num_attention_heads'] * c['num_key_value_heads']
    shapes = {'transformer.embed_tokens.weight': (c['vocab_size'], h), 'transformer.norm.weight': (h,)}
    for i in range(c['num_hidden_layers']):
        name = f'transformer.layers.{i}'
        for n, size in (('q', h), ('k', kv), ('v', kv), ('o', h)):
            shapes[f'{name}.self_attn.{n}_proj.weight'] = (size, h)
        shapes |= swiglu_shapes(f'{name}.mlp', h, c['intermediate_size'])
        shapes |= {f'{name}.input_layernorm.weight': (h,), f'{name}.post_attention_layernorm.weight': (h,)}
    shapes |= linear_shapes('embed_proj.0', k * h, 2 * h) | linear_shapes('embed_proj.2', 2 * h, h) | linear_shapes('embed_proj.3', 1, h)
    shapes['embed_proj.3.weight'] = (h,)
    g = 'mlp_generator'
    shapes |= linear_shapes(f'{g}.noise_embd', c['noise_size'], h) | linear_shapes(f'{g}.hidden_embd', h, h)
    norms = [f'{g}.norm_hidden', f'{g}.norm_noise', f'{g}.final_layer.in_ln']
    for i in range(c['num_mlp_layers']):
        b = f'{g}.mlp_blocks.{i}'
        norms.append(f'{b}.in_ln')
        shapes |= linear_shapes(f'{b}.linears.0', 2 * h, h) | linear_shapes(f'{b}.linears.2', h, h) | linear_shapes(f'{b}.linears.4', h, 2 * h) | linear_shapes(f'{b}.down_proj', h, h)
    shapes |= linear_shapes(f'{g}.final_layer.linears.0', h, h) | linear_shapes(f'{g}.final_layer.linears.2', h, c['latent_size'])
    return shapes | {f'{n}.{part}': (h,) for n in norms for part in ('weight', 'bias')}


def adamw(parameters, rate=1e-3):
    decayed = [x for x in parameters.values() if x.dim() > 1]
    rest = [x for x in parameters.values() if x.dim() <= 1]
    return torch.optim.AdamW([{'params': decayed, 'weight_decay': 0.1}, {'params': rest, 'weight_decay': 0.0}], lr=rate, betas=(0.9, 0.95), eps=1e-8, fused=True)
