"""Reads exported folders with transformers.

Standard input: {"folders": [...], "texts": [...], "ids": [...]}. Standard output: for each folder what
AutoTokenizer makes of the texts and, where torch is installed and the folder is a LlamaForCausalLM's, the
logits after the ids.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import transformers

try:
    import torch
except ImportError:
    torch = None


def read_tokenizer(folder, texts):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    encoded = [tokenizer(text) for text in texts]
    return {
        "keys": sorted(encoded[0].keys()),
        "ids": [one["input_ids"] for one in encoded],
        "decoded": [tokenizer.decode(one["input_ids"], skip_special_tokens=True) for one in encoded],
        "eos": tokenizer.eos_token_id,
        "pad": tokenizer.pad_token_id,
        "bos": tokenizer.bos_token_id,
        "size": len(tokenizer),
    }


def read_logits(folder, ids):
    with open(os.path.join(folder, "config.json")) as file:
        is_llama = json.load(file).get("architectures") == ["LlamaForCausalLM"]
    if torch is None or not is_llama:
        return None
    model, loading = transformers.AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    unexpected = [key for keys in (loading["missing_keys"], loading["unexpected_keys"]) for key in keys]
    model = model.float().eval()
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    return {"class": type(model).__name__, "keys": unexpected, "logits": logits.flatten().tolist()}


asked = json.load(sys.stdin)
answer = {
    "transformers": transformers.__version__,
    "folders": [
        {"tokenizer": read_tokenizer(folder, asked["texts"]), "model": read_logits(folder, asked["ids"])}
        for folder in asked["folders"]
    ],
}
json.dump(answer, sys.stdout)
