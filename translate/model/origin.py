"""What a model comes from, and by that, whether its text was normalised by Moses' scripts before it learned from it.

OPUS-MT's models were: they know no curly quotation marks. What a folder is called tells nothing. It is told, in this order:

1. by `"normalization": "moses"` or `"none"` in tokenizer_config.json, which training/ writes, and anybody may;
2. by the name of the hub's repository that the model was fetched from: `…/opus-mt-…`;
3. by what the folder says it was made from: `_name_or_path` in config.json, `name_or_path` in tokenizer_config.json,
   `base_model` or "fine-tuned version of" in its card, README.md: a repository of Helsinki-NLP;
4. by a card that speaks of pre-processing by normalization, as OPUS-MT's own do;
5. by settings in config.json that only transformers' converter of Marian models writes, and that stay there when such a
   model is trained further: OPUS-MT's have one of them, models that began in transformers do not.

If nothing of that is there, the text stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from translate.model.fields import Fields
from translate.records import Model

CARD_CHARACTERS = 65_536
"""Of a card, from its beginning."""
REPOSITORY = re.compile(r"\bHelsinki-NLP(?:/|--)opus-mt-")
"""Also as the folder of the hub's cache is called. Another owner's name may be that of a folder."""
HUB_NAME = re.compile(r"[\w.-]+/opus-mt-")
BASE_MODEL = re.compile(r"^base_model:.*(?:\n[ \t]*-.*)*", re.MULTILINE)
TUNED = re.compile(r"fine-tuned (?:version of|from) .*")
PREPROCESSED = re.compile(r"pre-?processing:\W*normali[sz]ation", re.IGNORECASE)
CONVERTED = ("normalize_embedding", "add_bias_logits", "extra_pos_embeddings")
"""Settings that MarianConfig does not have of itself."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a folder's files say about where its model comes from."""

    normalization: str
    """What tokenizer_config.json says outright; empty if nothing."""
    names: tuple[str, ...]
    """Of what the model was made from."""
    card: str
    converted: bool
    """Whether transformers' converter of Marian models wrote its config.json."""


def parse_origin(config: Fields, tokenizer: Fields, card: str) -> Origin:
    """The record of what config.json, tokenizer_config.json and README.md say. Raises ModelError."""
    said = tokenizer.text("normalization", default="")
    if said not in ("", "moses", "none"):
        raise tokenizer.error("normalization", '"moses" or "none"')
    names = (config.get("_name_or_path"), tokenizer.get("name_or_path"), *_based_on(card))
    return Origin(
        said,
        tuple(name for name in names if isinstance(name, str)),
        card,
        any(config.get(name) is not None for name in CONVERTED),
    )


def trained_behind_moses(model: Model, origin: Origin) -> bool:
    """Whether the model's training text went through Moses' scripts; the module's docstring says how that is told."""
    if origin.normalization:
        return origin.normalization == "moses"
    fetched = model.revision is not None and HUB_NAME.match(model.name) is not None
    named = any(REPOSITORY.search(name) for name in origin.names)
    return fetched or named or PREPROCESSED.search(origin.card) is not None or origin.converted


def _based_on(card: str) -> Iterator[str]:
    """The lines of a card that name the model that this one was tuned from."""
    if card.startswith("---"):
        yield from BASE_MODEL.findall(card[3:].partition("\n---")[0])
    yield from TUNED.findall(card)
