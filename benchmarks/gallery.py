"""How long the gallery takes with many pictures.

    python -m benchmarks.gallery
    python -m benchmarks.gallery --database-url postgresql://user@host/empty

Fills an empty database with rows of pictures, all of one file, and asks the service's own application, without a
network between: so each time is the server's. Processor time does not depend on what else the machine does; it is
that of this process, so with PostgreSQL that of the database comes on top. The words of the notes are drawn by rank,
as those of a language are.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import httpx
import torch
from sqlalchemy import insert

from app.main import create_app
from app.settings import AppSettings
from ganery.local_drawing import InThisProcess
from models import encode_png
from store import tables
from store.blobs import Blobs
from store.database import Database
from store.pictures import KeptPicture, terms_of

AT_ONCE = 2000
_FAMILIES = ("projection_gan", "dcgan", "wgan_gp", "lsgan")
_DATASETS = ("mnist", "fashion_mnist", "segments")
_RARE = 5000
"""One picture of so many has the rare tag and the rare word."""


def invent(number: int, digest: str, size_bytes: int, rng: random.Random) -> KeptPicture:
    """Return a picture that might have been kept."""
    ranks = (int(rng.paretovariate(1)) for _ in range(6))
    note = " ".join(f"word{min(rank, 20_000)}" for rank in ranks)
    family, checkpoint = rng.choice(_FAMILIES), f"{rng.randrange(200):016x}-{rng.randrange(1, 9) * 1000}"
    rare = number % _RARE == 0
    return KeptPicture(
        url=f"/generate?checkpoint={checkpoint}&index={number % 64}&seed={number}",
        checkpoint_id=checkpoint,
        checkpoint_digest=digest,
        family=family,
        dataset=rng.choice(_DATASETS),
        label=str(rng.randrange(10)),
        seed=number,
        index=number % 64,
        count=1,
        score=rng.gauss(0, 1),
        version="0.1.0",
        width=28,
        height=28,
        id=f"{number:016x}",
        digest=digest,
        size_bytes=size_bytes,
        starred=rng.random() < 0.05,
        tags=("rare",) if rare else tuple(sorted({rng.choice(("bold", "thin", "odd")), f"tag {rng.randrange(50)}"})),
        note=f"{note} needle" if rare else note,
        created_at=float(number),
        updated_at=float(number),
        deleted_at=float(number) if number % 1000 == 1 else None,
    )


def fill(database: Database, blobs: Blobs, count: int) -> None:
    """Store so many pictures."""
    png = encode_png(torch.randint(0, 256, (28, 28, 1), generator=torch.Generator().manual_seed(0)).to(torch.uint8))
    digest, rng = blobs.put(png), random.Random(0)
    pictures = ((number, invent(number, digest, len(png), rng)) for number in range(1, count + 1))
    while portion := list(islice(pictures, AT_ONCE)):
        rows = [asdict(one) | {"number": number, "tags": list(one.tags)} for number, one in portion]
        terms = [
            {"kind": kind, "term": term, "number": number}
            for number, one in portion
            if one.deleted_at is None
            for kind, term in terms_of(one)
        ]
        with database.begin() as connection:
            connection.execute(insert(tables.pictures), rows)
            connection.execute(insert(tables.picture_terms), terms)


def walk(client: httpx.Client) -> Iterator[str]:
    """Yield the path of each page, from the newest to the oldest."""
    path = "/pictures?limit=200"
    while True:
        yield path
        cursor = client.get(path).raise_for_status().json()["next_cursor"]
        if cursor is None:
            return
        path = f"/pictures?limit=200&cursor={cursor}"


def questions(client: httpx.Client) -> Mapping[str, str]:
    """Return what is measured, by what it is called."""
    deepest = list(walk(client))[-2]
    return {
        "the first page": "/pictures",
        "the first page, as HTML": "/gallery",
        "the last page but one": deepest.replace("limit=200", "limit=60"),
        "the last page but one, as HTML": deepest.replace("limit=200", "limit=60").replace("/pictures", "/gallery"),
        "a frequent tag": "/pictures?tag=bold",
        "a rare tag": "/pictures?tag=rare",
        "a frequent word": "/pictures?text=word1",
        "a rare word": "/pictures?text=needle",
        "a frequent and a rare word": "/pictures?text=word1+needle",
        "three frequent words": "/pictures?text=word1+word2+word3",
        "three frequent words, as HTML": "/gallery?text=word1+word2+word3",
        "a word that is nowhere": "/pictures?text=nowhere",
        "a family, a data set, a class": "/pictures?family=dcgan&dataset=mnist&label=7",
        "the stars": "/pictures?starred=true",
        "a seed": "/pictures?seed=777",
        "the stars of a frequent tag, oldest first": "/pictures?starred=true&tag=bold&order=oldest",
        "the trash": "/pictures?trash=true",
        "all tags with their counts": "/pictures/tags",
        "a thumbnail": f"/pictures/{2:016x}/thumbnail",
    }


def measure(client: httpx.Client, path: str, times: int) -> tuple[Sequence[float], Sequence[float]]:
    """Return the milliseconds of each request: of the processor, and on the clock."""
    of_processor, on_clock = [], []
    for _ in range(times):
        began, used = time.perf_counter(), time.process_time()
        client.get(path).raise_for_status()
        of_processor.append((time.process_time() - used) * 1e3)
        on_clock.append((time.perf_counter() - began) * 1e3)
    return of_processor, on_clock


def report(client: httpx.Client, times: int) -> None:
    """Print a row for each question: medians, and the longest on the clock."""
    print(f"{'milliseconds':<44}{'processor':>10}{'clock':>8}{'most':>8}")
    for name, path in questions(client).items():
        used, waited = measure(client, path, times)
        told = f"{statistics.median(used):>10.1f}{statistics.median(waited):>8.1f}{max(waited):>8.1f}"
        print(f"{name:<44}{told}", flush=True)


def main() -> None:
    """Fill the database and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=30, help="requests for each row of the table")
    parser.add_argument("--database-url", help="of an empty database; default a SQLite file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        settings = AppSettings(data_dir=Path(directory), database_url=arguments.database_url)
        app = create_app(settings)
        with closing(app.state.services.database) as database:
            database.migrate()
            began = time.perf_counter()
            fill(database, Blobs(settings.pictures), arguments.pictures)
            print(f"{arguments.pictures:,} pictures, stored in {time.perf_counter() - began:.0f} s")
            with httpx.Client(base_url="http://ganery", transport=InThisProcess(app)) as client:
                report(client, arguments.times)


if __name__ == "__main__":
    main()
