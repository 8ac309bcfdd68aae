"""The zoo: networks, objectives, sampling and grids, as pure functions of tensors; no disk, network or clock.

Each module without an underscore is a family, named after its paper. What upper layers need is here.
"""

from models._classifier import Classifier
from models._datasets import (
    DATASETS,
    MNIST,
    SEGMENTS,
    DatasetSpec,
    UnknownClassError,
    UnknownDatasetError,
    find_dataset,
)
from models._family import (
    Batch,
    Conditioning,
    ControlError,
    Controls,
    Family,
    Hyperparameters,
    ModelConfig,
    Networks,
    Objective,
    Paper,
    Phase,
    Preset,
    ScoreKind,
    Steering,
    Symptom,
    UnknownPresetError,
    UnsupportedShapeError,
)
from models._grid import ENCODER, encode_png, from_pixels, lay_out, to_pixels
from models._nice_report import NICE_FACTORS, SURE, NiceReport, NiceRow, report_nice
from models._noise import BLOCK, BlockNoise, Noise, StepNoise, derive_seed
from models._registry import FLAGSHIP, UnknownFamilyError, families, find_family, known_controls
from models._rejection import BurnIn, NotALogitError, Rejection, draw_burn_in, measure_rejections
from models._sampler import NoClassifierError, NoScoreError, Sampler
from models._selection import CONFIDENCE, NiceMethod, Selection, TooFewOfClassError, draw, draw_class

__all__ = [
    "BLOCK",
    "CONFIDENCE",
    "DATASETS",
    "ENCODER",
    "FLAGSHIP",
    "MNIST",
    "NICE_FACTORS",
    "SEGMENTS",
    "SURE",
    "Batch",
    "BlockNoise",
    "BurnIn",
    "Classifier",
    "Conditioning",
    "ControlError",
    "Controls",
    "DatasetSpec",
    "Family",
    "Hyperparameters",
    "ModelConfig",
    "Networks",
    "NiceMethod",
    "NiceReport",
    "NiceRow",
    "NoClassifierError",
    "NoScoreError",
    "Noise",
    "NotALogitError",
    "Objective",
    "Paper",
    "Phase",
    "Preset",
    "Rejection",
    "Sampler",
    "ScoreKind",
    "Selection",
    "Steering",
    "StepNoise",
    "Symptom",
    "TooFewOfClassError",
    "UnknownClassError",
    "UnknownDatasetError",
    "UnknownFamilyError",
    "UnknownPresetError",
    "UnsupportedShapeError",
    "derive_seed",
    "draw",
    "draw_burn_in",
    "draw_class",
    "encode_png",
    "families",
    "find_dataset",
    "find_family",
    "from_pixels",
    "known_controls",
    "lay_out",
    "measure_rejections",
    "report_nice",
    "to_pixels",
]
