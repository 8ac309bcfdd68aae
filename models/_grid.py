"""Pictures to pixels: quantise, lay out as a grid, and encode as PNG (W3C PNG, third edition)."""

import struct
import zlib
from collections.abc import Mapping
from math import isqrt

import torch
from torch import Tensor

ENCODER = f"zlib-{zlib.ZLIB_RUNTIME_VERSION}-1-none"
"""Names what the bytes of a PNG depend on: compressor, level and row filter."""

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels to grey, grey + alpha, RGB, RGB + alpha


def to_pixels(images: Tensor) -> Tensor:
    """Map [-1, 1] to 0..255, rounding to the nearest: (n, c, h, w) float to (n, c, h, w) uint8."""
    return images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def from_pixels(pixels: Tensor) -> Tensor:
    """Map 0..255 to [-1, 1]: (n, c, h, w) uint8 to (n, c, h, w) float32."""
    return pixels.float().div(127.5).sub(1)


def lay_out(pixels: Tensor, *, columns: int | None = None, scale: int = 1) -> Tensor:
    """Lay pictures out row by row without gaps; the rest of the last row stays 0.

    pixels: (n, c, h, w) uint8. columns: default the floor of the root of n. scale: each pixel becomes a square of
    scale x scale. Returns (rows * h * scale, columns * w * scale, c) uint8.
    """
    n, c, h, w = pixels.shape
    columns = columns or isqrt(n)
    rows = -(-n // columns)
    cells = pixels.new_zeros(rows * columns, c, h, w)
    cells[:n] = pixels
    grid = cells.view(rows, columns, c, h, w).permute(0, 3, 1, 4, 2).reshape(rows * h, columns * w, c)
    return grid.repeat_interleave(scale, 0).repeat_interleave(scale, 1) if scale > 1 else grid


def encode_png(grid: Tensor, text: Mapping[str, str] | None = None) -> bytes:
    """Encode (h, w, c) uint8 as PNG with 8 bits a channel; text becomes uncompressed iTXt chunks by keyword."""
    h, w, c = grid.shape
    rows = torch.zeros(h, 1 + w * c, dtype=torch.uint8)  # the leading 0 of each row: filter "none"
    rows[:, 1:] = grid.reshape(h, w * c)
    header = struct.pack(">IIBBBBB", w, h, 8, _COLOUR_TYPES[c], 0, 0, 0)
    notes = [_chunk(b"iTXt", _international_text(key, value)) for key, value in (text or {}).items()]
    pixels = zlib.compress(rows.numpy().tobytes(), 1)
    chunks = [_chunk(b"IHDR", header), *notes, _chunk(b"IDAT", pixels), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _international_text(keyword: str, value: str) -> bytes:
    uncompressed, no_language, no_translation = b"\0\0", b"\0", b"\0"
    return keyword.encode("latin-1") + b"\0" + uncompressed + no_language + no_translation + value.encode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
