"""Writes a chat model of 0.2 million random weights, in Qwen2's architecture, as a Hugging Face folder of 0.5 MB.

usage: tiny_model.py FOLDER

It answers every question with noise, quickly and at any length: it never ends an answer by itself, so that an answer
has exactly as many tokens as were asked for. The same on every machine with the same Python: the tokenizer is trained
on files of Python's own library.
"""

import json
import pathlib
import sys
import sysconfig

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY, HIDDEN, LAYERS, HEADS, HEAD_SIZE, INTERMEDIATE, POSITIONS = 1024, 64, 2, 2, 32, 128, 4096
SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# The first hidden value is the same at every token and layer, and the head turns it into a logit that no other reaches.
NEVER = -50.0


def train_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL_TOKENS,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    library = pathlib.Path(sysconfig.get_paths()["stdlib"])
    texts = sorted(str(path) for package in ("json", "email", "asyncio") for path in library.glob(f"{package}/*.py"))
    tokenizer.train(texts, trainer)
    assert tokenizer.get_vocab_size() == VOCABULARY, tokenizer.get_vocab_size()
    return tokenizer


def random_weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)

    def weights(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.05

    heads = HEADS * HEAD_SIZE
    tensors = {
        "model.embed_tokens.weight": weights(VOCABULARY, HIDDEN),
        "model.norm.weight": torch.ones(HIDDEN),
        "lm_head.weight": weights(VOCABULARY, HIDDEN),
    }
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name in ("q", "k", "v"):
            tensors[f"{prefix}self_attn.{name}_proj.weight"] = weights(heads, HIDDEN)
            tensors[f"{prefix}self_attn.{name}_proj.bias"] = weights(heads)
        tensors[f"{prefix}self_attn.o_proj.weight"] = weights(HIDDEN, heads)
        tensors[f"{prefix}mlp.gate_proj.weight"] = weights(INTERMEDIATE, HIDDEN)
        tensors[f"{prefix}mlp.up_proj.weight"] = weights(INTERMEDIATE, HIDDEN)
        tensors[f"{prefix}mlp.down_proj.weight"] = weights(HIDDEN, INTERMEDIATE)
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{prefix}{name}.weight"] = torch.ones(HIDDEN)
        for name in ("self_attn.o_proj", "mlp.down_proj"):
            tensors[f"{prefix}{name}.weight"][0] = 0.0
    tensors["model.embed_tokens.weight"][:, 0] = 1.0
    tensors["lm_head.weight"][: len(SPECIAL_TOKENS), 0] = NEVER
    return {name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()}


def write_json(path: pathlib.Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


def main(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    end_of_text, _, end_of_message = (tokenizer.token_to_id(token) for token in SPECIAL_TOKENS)
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": POSITIONS,
            "bos_token": None,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "additional_special_tokens": SPECIAL_TOKENS[1:],
            "clean_up_tokenization_spaces": False,
            "chat_template": CHAT_TEMPLATE,
        },
    )
    write_json(
        folder / "config.json",
        {
            "architectures": ["Qwen2ForCausalLM"],
            "model_type": "qwen2",
            "vocab_size": VOCABULARY,
            "hidden_size": HIDDEN,
            "intermediate_size": INTERMEDIATE,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_key_value_heads": HEADS,
            "head_dim": HEAD_SIZE,
            "hidden_act": "silu",
            "max_position_embeddings": POSITIONS,
            "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0,
            "tie_word_embeddings": False,
            "use_sliding_window": False,
            "bos_token_id": end_of_text,
            "eos_token_id": end_of_message,
            "pad_token_id": end_of_text,
            "torch_dtype": "bfloat16",
        },
    )
    write_json(folder / "generation_config.json", {"eos_token_id": [end_of_message], "pad_token_id": end_of_text})
    save_file(random_weights(), str(folder / "model.safetensors"), metadata={"format": "pt"})


main(pathlib.Path(sys.argv[1]))
