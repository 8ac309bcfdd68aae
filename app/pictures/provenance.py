"""What a PNG tells about itself: a recipe for programs, a line for people, and that no camera took it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.latent.queries import LatentRecipe
from app.pictures.recipes import Recipe
from checkpoints.format import Metadata
from models import CONFIDENCE, Selection

DEVICE_CLASS = "cpu"
"""The same recipe gives the same bytes on the same class of device only."""

KEYWORD = "ganery"
"""Of the text chunk that holds the recipe as JSON."""

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
   Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True, slots=True)
class Judge:
    """The classifier that found the pictures of a class. digest: of all that its judgement depends on."""

    name: str
    digest: str


def describe(
    recipe: Recipe,
    metadata: Metadata,
    selection: Selection,
    *,
    chosen_by: Judge | None,
    score: float | None,
    version: str,
) -> Mapping[str, str]:
    """Return the text chunks of a grid by keyword (PNG, third edition, 11.3.3). No time: equal recipes, equal bytes.

    selection: what is shown. score: of the one picture, where one is shown and its family scores.
    """
    full = tell_recipe(recipe, metadata, selection, chosen_by=chosen_by, score=score, version=version)
    return {
        "Title": f"{_title(recipe)} by {recipe.checkpoint.id}",
        "Description": _sentence(recipe),
        "Software": f"Ganery {version}",
        "Source": recipe.url,
        "parameters": _line(recipe, side=selection.images.shape[-1]),
        KEYWORD: json.dumps(full, separators=(",", ":")),
        "XML:com.adobe.xmp": _XMP,
    }


def describe_latents(recipe: LatentRecipe[Any], pictures: int, *, version: str) -> Mapping[str, str]:
    """Return the text chunks of what a latent tool drew, by keyword; its URL repeats it."""
    checkpoint = recipe.checkpoint
    what, them = ("1 picture", "it") if pictures == 1 else (f"{pictures} pictures", "them")
    full = {
        "url": recipe.url,
        "checkpoint": checkpoint.id,
        "checkpoint_sha256": checkpoint.digest,
        "job": checkpoint.job_id,
        "family": checkpoint.family,
        "preset": checkpoint.preset,
        "step": checkpoint.step,
        "dataset": checkpoint.dataset,
        "count": pictures,
        "device_class": DEVICE_CLASS,
        "version": version,
    }
    return {
        "Title": f"{what} by {checkpoint.id}",
        "Description": f"{what}, drawn by {checkpoint.family} trained on {checkpoint.dataset}; no camera took {them}.",
        "Software": f"Ganery {version}",
        "Source": recipe.url,
        KEYWORD: json.dumps(full, separators=(",", ":")),
        "XML:com.adobe.xmp": _XMP,
    }


def tell_recipe(
    recipe: Recipe,
    metadata: Metadata,
    selection: Selection,
    *,
    chosen_by: Judge | None,
    score: float | None,
    version: str,
) -> Mapping[str, Any]:
    """Return all that a grid depends on, and what came of it, as JSON can hold it. The arguments are of `describe`."""
    scores, accepted = selection.scores, selection.accepted
    rejection: Mapping[str, Any] = {}
    if accepted is not None:
        share = round(selection.accepted_share or 0.0, 6)
        rejection = {"nice_method": recipe.nice_method, "accepted": accepted.tolist(), "accepted_share": share}
    alone = {} if recipe.index is None else {"index": recipe.index, "score": score}
    return {
        "url": recipe.url,
        "checkpoint": recipe.checkpoint.id,
        "checkpoint_sha256": recipe.checkpoint.digest,
        "job": recipe.checkpoint.job_id,
        "family": metadata.family,
        "preset": metadata.preset,
        "step": metadata.step,
        "dataset": metadata.dataset.name,
        "dataset_sha256": metadata.dataset_digest,
        "seed": recipe.seed,
        "count": recipe.shown_count,
        "columns": recipe.columns,
        "scale": recipe.scale,
        "labels": recipe.classes,
        "truncation": recipe.truncation,
        "nice_factor": recipe.nice_factor if recipe.is_nice else None,
        "controls": recipe.controls and recipe.controls.model_dump(exclude_none=True),
        "candidates": selection.candidates,
        "threshold": selection.threshold,
        "scores": None if scores is None else [round(float(score), 6) for score in scores],
        "selected_by": chosen_by
        and {
            "classifier": chosen_by.name,
            "classifier_sha256": chosen_by.digest,
            "confidence": CONFIDENCE,
        },
        "device_class": DEVICE_CLASS,
        "version": version,
        **rejection,  # in no other grid, whose bytes are those of before there was a choice of method
        **alone,
    }


def _title(recipe: Recipe) -> str:
    return f"{recipe.count} pictures" if recipe.index is None else f"picture {recipe.index + 1}"


def _sentence(recipe: Recipe) -> str:
    of_class = "" if recipe.label is None else f" of class {recipe.dataset.classes[recipe.label]}"
    family, dataset = recipe.checkpoint.family, recipe.dataset.name
    what, them = (f"{recipe.count} pictures", "them") if recipe.index is None else ("a picture", "it")
    return f"{what}{of_class}, drawn by {family} trained on {dataset}; no camera took {them}."


def _line(recipe: Recipe, *, side: int) -> str:
    """Return the line that picture viewers show, in the form that they know."""
    size = side * recipe.scale
    parts = {
        "Model": recipe.checkpoint.id,
        "Model hash": recipe.checkpoint.digest[:10],
        "Seed": recipe.seed,
        "Size": f"{size}x{size}",
        "Count": recipe.shown_count,
        "Truncation": recipe.truncation,
        "Nice factor": recipe.nice_factor,
    }
    if recipe.by_rejection:
        parts["Nice method"] = recipe.nice_method
    return ", ".join(f"{name}: {value}" for name, value in parts.items())
