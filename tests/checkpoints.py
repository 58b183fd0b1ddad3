"""Tiny random checkpoints, built at test time and shared by the tests of every face.

`build_llama` has a tokenizer that adds BOS and a chat template that writes BOS too, `build_qwen3` has no BOS and no
padded names, `build_neox` has no chat template. All have about 0.3M parameters and 256 positions.
"""

from __future__ import annotations

from pathlib import Path

WORDS = (
    "Question: Where was Tavi Brook born? Answer: Tavi Brook was born in Orrin. The town of Larch is older than the "
    "town of Orrin, which lies by the river. Which of these is true? Choose one: Larch, Orrin, Vessel, Mirren. The "
    "assistant prefers tea. A company makes boots, lamps and clocks. The capital of France is Paris, not Lyon. "
    "I would rather tell the truth. Continue the text. It is raining in the north; the moss grows at night. 1 2 3 4\n"
)

CHAT_TEMPLATE = (
    "{{ bos_token if bos_token else '' }}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

PARAMETERS = {"hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 256}


def build_tokenizer(*, bos: bool, chat: bool):
    """Trains a byte-level BPE tokenizer of 512 tokens on a few sentences."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<|pad|>", "<|end|>", "<|im_start|>", "<|im_end|>", *(["<|bos|>"] if bos else [])]
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator([WORDS] * 8, trainer)
    if bos:
        raw.post_processor = processors.TemplateProcessing(
            single="<|bos|> $A", special_tokens=[("<|bos|>", raw.token_to_id("<|bos|>"))]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<|bos|>" if bos else None,
        eos_token="<|im_end|>" if chat else "<|end|>",
        pad_token="<|pad|>",
        chat_template=CHAT_TEMPLATE if chat else None,
        model_max_length=PARAMETERS["max_position_embeddings"],
    )


def _save(model, tokenizer, folder: Path) -> Path:
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_llama(folder: Path, seed: int = 0, *, chat: bool = True) -> Path:
    """Llama-shaped; the tokenizer adds BOS and so does the chat template."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    tokenizer = build_tokenizer(bos=True, chat=chat)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        intermediate_size=256,
        num_key_value_heads=2,
        initializer_range=0.2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **PARAMETERS,
    )
    return _save(LlamaForCausalLM(config), tokenizer, folder)


def build_qwen3(folder: Path, seed: int = 0) -> Path:
    """Qwen3-shaped, no BOS, tied embeddings, with a chat template."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seed)
    tokenizer = build_tokenizer(bos=False, chat=True)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        intermediate_size=256,
        num_key_value_heads=2,
        head_dim=24,
        initializer_range=0.2,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **PARAMETERS,
    )
    return _save(Qwen3ForCausalLM(config), tokenizer, folder)


def build_neox(folder: Path, seed: int = 0) -> Path:
    """GPT-NeoX-shaped (Pythia), no BOS, no chat template."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    torch.manual_seed(seed)
    tokenizer = build_tokenizer(bos=False, chat=False)
    config = GPTNeoXConfig(
        vocab_size=len(tokenizer),
        intermediate_size=384,
        initializer_range=0.2,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **PARAMETERS,
    )
    return _save(GPTNeoXForCausalLM(config), tokenizer, folder)


def build_adapter(folder: Path, base: Path, base_reference: str | None = None, seed: int = 1) -> Path:
    """A LoRA adapter folder over `base` whose weights are not zero.

    Args:
        folder: Where to write it.
        base: The base checkpoint.
        base_reference: What `adapter_config.json` names as the base; the path of `base` when None.
        seed: Of the adapter's weights.
    """
    import json

    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    targets = ["query_key_value"] if model.config.model_type == "gpt_neox" else ["q_proj", "v_proj"]
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=targets, task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.3)
    adapted.save_pretrained(folder)
    config_path = folder / "adapter_config.json"
    config = json.loads(config_path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base_reference or str(base)
    config_path.write_text(json.dumps(config), encoding="utf-8")
    return folder


def build_merged(folder: Path, base: Path, adapter: Path) -> Path:
    """The base with the adapter added to its weights, as a full checkpoint."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    PeftModel.from_pretrained(model, str(adapter)).merge_and_unload().save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


BUILDERS = {"llama": build_llama, "qwen3": build_qwen3, "neox": build_neox}
