"""Checkpoints and their names over HTTP."""

from pathlib import Path
from shutil import copytree

import pytest
import torch

from checkpoints import format as checkpoint_format
from checkpoints.format import Metadata
from checkpoints.library import DEFAULT_CHECKPOINT
from models import FLAGSHIP, encode_png
from store.errors import CheckpointNotFoundError
from store.retention import Keep
from store.states import Succeeded
from tests.app.problems import places, refusal
from tests.app.service import WISH, Service
from tests.app.zoo import CONDITIONAL, UNCONDITIONAL, UNCONDITIONAL_FAMILY, flip_a_bit, ship

SHIPPED = sorted([CONDITIONAL, UNCONDITIONAL])


def listed(service: Service, query: str = "") -> list[str]:
    """The shipped ones by their names, the trained ones by their ids."""
    return [one["name"] or one["id"] for one in service.get(f"/checkpoints?{query}").json()["items"]]


def test_the_shipped_ones_come_first_and_then_the_newest(service: Service) -> None:
    claim = service.claim()
    trained = [service.keep_checkpoint(claim, step) for step in (2, 4)]
    assert listed(service) == SHIPPED + trained[::-1]


def test_a_checkpoint_tells_what_it_is(service: Service) -> None:
    claim = service.claim()
    checkpoint_id = service.keep_checkpoint(claim, 2)
    shown = service.get(f"/checkpoints/{checkpoint_id}").json()
    assert (shown["id"], shown["name"]) == (checkpoint_id, None)
    assert shown["job_id"] == claim.job.id
    assert (shown["family"], shown["preset"], shown["dataset"]) == ("dcgan", "paper", "segments")
    assert (shown["step"], shown["shipped"], shown["metrics"]) == (2, False, {})
    assert len(shown["digest"]) == 64
    assert shown["created_at"] is not None
    ours = service.get(f"/checkpoints/{CONDITIONAL}").json()
    assert (ours["job_id"], ours["shipped"], ours["family"]) == (None, True, FLAGSHIP)


def test_the_id_of_a_shipped_checkpoint_names_its_weights(gallery: Service) -> None:
    for shown in gallery.get("/checkpoints").json()["items"]:
        assert shown["id"] == f"{shown['name']}-{shown['digest'][:8]}"
        by_id, by_name = (gallery.get(f"/checkpoints/{shown[key]}").json() for key in ("id", "name"))
        assert by_id == by_name == shown
    refusal(gallery.get(f"/checkpoints/{CONDITIONAL}-00000000"), 404, "no-such-checkpoint")


def test_the_list_is_filtered(service: Service) -> None:
    claim = service.claim()
    trained = service.keep_checkpoint(claim, 2)
    assert listed(service, f"family={FLAGSHIP}") == [CONDITIONAL]
    assert listed(service, f"family={UNCONDITIONAL_FAMILY}") == [UNCONDITIONAL, trained]
    assert listed(service, "dataset=mnist") == []
    assert listed(service, f"job_id={claim.job.id}") == [trained]
    assert listed(service, "family=nobody") == []


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_the_list_comes_in_pages(service: Service, limit: int) -> None:
    claim = service.claim()
    trained = [service.keep_checkpoint(claim, step) for step in (2, 4)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = service.get("/checkpoints", params={"limit": limit} | ({"cursor": cursor} if cursor else {})).json()
        assert 0 < len(page["items"]) <= limit
        seen += [one["name"] or one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == SHIPPED + trained[::-1]


@pytest.mark.parametrize("cursor", ["nonsense", "shipped-", "shipped-x", "shipped--1"])
def test_a_cursor_that_no_list_gave_is_refused(gallery: Service, cursor: str) -> None:
    problem = refusal(gallery.get(f"/checkpoints?cursor={cursor}"), 422)
    assert cursor in places(problem)["parameter", "cursor"]


def test_a_checkpoint_that_there_is_not_is_refused(gallery: Service) -> None:
    refusal(gallery.get("/checkpoints/nobody"), 404, "no-such-checkpoint")
    refusal(gallery.get("/checkpoints/judge-segments"), 404, "no-such-checkpoint")


def test_a_damaged_shipped_checkpoint_is_left_out_of_the_list(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = service.given.catalogue.find(UNCONDITIONAL).directory
    damaged = service.given.settings.data_dir / "damaged"
    damaged.mkdir()
    (damaged / "metadata.json").write_text("{}")
    ship(monkeypatch, {"damaged": damaged, UNCONDITIONAL: ours})
    assert listed(service) == [UNCONDITIONAL]
    refusal(service.get("/checkpoints/damaged"), 503, "checkpoint-damaged")


# Aliases


def promote(service: Service, checkpoint: str, name: str = "default") -> dict[str, str]:
    response = service.client.put(f"/aliases/{name}", json={"checkpoint": checkpoint})
    assert response.status_code == 200, response.text
    document: dict[str, str] = response.json()
    return document


def drawn_from(service: Service, query: str = "") -> str:
    name: str = service.get(f"/generate?{query}").headers["x-ganery-checkpoint"]
    return name


def test_the_default_is_promoted_and_rolled_back(service: Service) -> None:
    claim = service.claim()
    trained = service.keep_checkpoint(claim, 2)
    service.settle(claim, Succeeded())
    promoted = promote(service, trained)
    assert promoted == {"name": "default", "checkpoint": trained, "previous": service.id_of(DEFAULT_CHECKPOINT)}
    assert drawn_from(service) == drawn_from(service, "checkpoint=default") == trained
    promote(service, promoted["previous"])
    assert drawn_from(service) == service.id_of(DEFAULT_CHECKPOINT)


def test_a_promotion_changes_the_tag_of_what_is_current(service: Service) -> None:
    seen = {"If-None-Match": service.get("/generate?seed=1").headers["etag"]}
    assert service.get("/generate?seed=1", headers=seen).status_code == 304
    promote(service, UNCONDITIONAL)
    assert service.get("/generate?seed=1", headers=seen).status_code == 200


def test_any_name_may_be_given(service: Service) -> None:
    assert promote(service, UNCONDITIONAL, "best-plain")["previous"] is None
    assert drawn_from(service, "checkpoint=best-plain") == service.id_of(UNCONDITIONAL)
    assert service.get("/aliases").json() == {
        "items": [
            {"name": "best-plain", "checkpoint": service.id_of(UNCONDITIONAL)},
            {"name": "default", "checkpoint": service.id_of(DEFAULT_CHECKPOINT)},
        ],
        "next_cursor": None,
    }


def test_only_checkpoints_are_promoted(service: Service) -> None:
    promote(service, UNCONDITIONAL, "plain-alias")
    for name in ("nobody", "plain-alias", "judge-segments"):
        problem = refusal(service.client.put("/aliases/default", json={"checkpoint": name}), 422)
        assert f"there is no checkpoint {name!r}" in places(problem)["pointer", "#/checkpoint"]
    assert drawn_from(service) == service.id_of(DEFAULT_CHECKPOINT)


def test_a_damaged_checkpoint_is_not_promoted(service: Service) -> None:
    checkpoint = service.keep_checkpoint(service.claim(), 2)
    flip_a_bit(service.given.catalogue.find(checkpoint).directory / "networks.safetensors")
    refusal(service.client.put("/aliases/default", json={"checkpoint": checkpoint}), 503, "checkpoint-damaged")
    assert drawn_from(service) == service.id_of(DEFAULT_CHECKPOINT)


def test_the_id_and_the_name_of_a_checkpoint_are_no_aliases(service: Service) -> None:
    for taken in (UNCONDITIONAL, service.id_of(UNCONDITIONAL), service.keep_checkpoint(service.claim(), 2)):
        problem = refusal(service.client.put(f"/aliases/{taken}", json={"checkpoint": CONDITIONAL}), 422)
        assert "is the id or name of a checkpoint" in places(problem)["parameter", "name"]


def test_an_alias_of_a_shipped_checkpoint_outlives_its_weights(
    service: Service, pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = service.id_of(UNCONDITIONAL)
    promote(service, before, "best-plain")
    release = copytree(pretrained / CONDITIONAL, tmp_path / UNCONDITIONAL)
    ship(monkeypatch, {UNCONDITIONAL: release})
    assert drawn_from(service, "checkpoint=best-plain") == service.id_of(UNCONDITIONAL) != before


@pytest.mark.parametrize("name", ["Default", "-x", "a%20b", "x" * 65])
def test_a_name_that_is_none_is_refused(gallery: Service, name: str) -> None:
    problem = refusal(gallery.client.put(f"/aliases/{name}", json={"checkpoint": CONDITIONAL}), 422)
    assert ("parameter", "name") in places(problem)


# The best


def test_the_best_of_a_job_is_marked(service: Service) -> None:
    claim = service.claim()
    ids = [service.keep_checkpoint(claim, step, fd=fd) for step, fd in ((2, 5.0), (4, 3.0), (6, 4.0))]
    shown = {one["id"]: one for one in service.get(f"/checkpoints?job_id={claim.job.id}").json()["items"]}
    assert [shown[one]["is_best"] for one in ids] == [False, True, False]
    assert [shown[one]["headline"] for one in ids] == [5.0, 3.0, 4.0]


def test_best_means_the_best_of_a_family_and_data_set_whoever_trained_it(service: Service) -> None:
    first, second = service.claim(), service.claim()
    trained = service.keep_checkpoint(first, 2, fd=5.0)
    assert drawn_from(service, "checkpoint=best&dataset=segments") == trained
    better = service.keep_checkpoint(second, 2, fd=4.0)
    service.keep_checkpoint(second, 4, fd=4.5)
    assert drawn_from(service, "checkpoint=best&dataset=segments") == better
    assert drawn_from(service, f"checkpoint=best&dataset=segments&family={UNCONDITIONAL_FAMILY}") == better
    assert drawn_from(service, f"checkpoint=best&dataset=segments&family={FLAGSHIP}") == service.id_of(CONDITIONAL)


def test_best_compares_only_what_todays_judge_has_measured(service: Service) -> None:
    claim = service.claim()
    service.judge = "an older judge"
    older = service.keep_checkpoint(claim, 2, fd=1.0)
    newest = f"/generate?checkpoint=best&dataset=segments&family={UNCONDITIONAL_FAMILY}&count=1"
    assert older not in service.get(newest).headers["X-Ganery-Checkpoint"]
    service.judge = None
    ours = service.keep_checkpoint(claim, 4, fd=5.0)
    assert drawn_from(service, "checkpoint=best&dataset=segments") == ours
    shown = {one["id"]: one for one in service.get(f"/checkpoints?job_id={claim.job.id}").json()["items"]}
    assert [(shown[one]["is_comparable"], shown[one]["is_best"]) for one in (older, ours)] == [
        (False, False),
        (True, True),
    ]
    assert shown[older]["judge"] == "an older judge"
    assert shown[older]["headline"] == 1.0


def test_best_of_what_nobody_trained_is_not_found(service: Service) -> None:
    problem = refusal(service.get("/generate?checkpoint=best&family=wgan"), 404, "no-checkpoint-of-family")
    assert "wgan on mnist" in problem["detail"]
    assert '"dataset": "mnist"' in problem["detail"]
    problem = refusal(service.get("/generate?checkpoint=best&dataset=nonesuch"), 422)
    assert "segments" in places(problem)["parameter", "dataset"]


def test_best_of_what_nobody_judged_names_the_newest(service: Service) -> None:
    claim = service.claim(service.queue(WISH.model_copy(update={"family": "lsgan", "preset": "neutral"})))
    unjudged = service.keep_checkpoint(claim, 2)
    problem = refusal(service.get("/generate?checkpoint=best&dataset=segments&family=lsgan"), 404, "nothing-judged")
    assert f"checkpoint={unjudged}" in problem["detail"]


@pytest.fixture
def removed_while_read(service: Service, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The ids of two checkpoints: retention removes the first when its metadata are read and its weights are not."""
    wish = WISH.model_copy(update={"keep": Keep(best=False, last=1, every=None)})
    claim = service.claim(service.queue(wish))
    first = service.keep_checkpoint(claim, 2, fd=1.0)
    second = service.keep_checkpoint(claim, claim.job.total_steps, fd=2.0)
    directory = service.given.catalogue.find(first).directory
    original = checkpoint_format.read_metadata

    def read(place: Path) -> Metadata:
        metadata = original(place)
        if place == directory:
            for path in service.given.jobs.retire_checkpoints(claim, claim.job.total_steps):
                checkpoint_format.remove(service.given.settings.checkpoints / path)
        return metadata

    monkeypatch.setattr(checkpoint_format, "read_metadata", read)
    return first, second


def test_best_moves_on_when_its_checkpoint_is_removed_while_it_is_read(
    service: Service, removed_while_read: tuple[str, str]
) -> None:
    assert drawn_from(service, "checkpoint=best&dataset=segments") == removed_while_read[1]


@pytest.mark.parametrize(
    "path",
    [
        "/generate?checkpoint={}&seed=1",
        "/checkpoints/{}/nice-report",
        "/latent/directions?checkpoint={}",
        "/?checkpoint={}&index=0",
    ],
)
def test_a_checkpoint_that_is_removed_while_it_is_read_was_deleted(
    service: Service, removed_while_read: tuple[str, str], path: str
) -> None:
    gone, _ = removed_while_read
    problem = refusal(service.get(path.format(gone)), 404, "no-such-checkpoint")
    assert f"the checkpoint {gone!r} was deleted" in problem["detail"]


def test_what_is_sent_is_read_again_too(service: Service, removed_while_read: tuple[str, str]) -> None:
    gone, _ = removed_while_read
    path = f"/latent/project?checkpoint={gone}"
    drawn = torch.eye(8, dtype=torch.uint8)[:, :, None] * 255
    response = service.post(path, content=encode_png(drawn), headers={"Content-Type": "image/png"})
    assert "was deleted" in refusal(response, 404, "no-such-checkpoint")["detail"]


def test_a_picture_by_a_checkpoint_that_is_removed_meanwhile_is_not_kept(
    service: Service, removed_while_read: tuple[str, str]
) -> None:
    gone, _ = removed_while_read
    response = service.post("/pictures", json={"recipe": {"checkpoint": gone, "seed": 1}})
    assert "was deleted" in refusal(response, 404, "no-such-checkpoint")["detail"]


def test_best_is_given_to_no_other(service: Service) -> None:
    problem = refusal(service.client.put("/aliases/best", json={"checkpoint": UNCONDITIONAL}), 422)
    assert "best pictures" in places(problem)["parameter", "name"]


def test_the_newest_on_a_data_set_is_asked_for_by_its_name(service: Service) -> None:
    trained = service.keep_checkpoint(service.claim(), 2)
    assert drawn_from(service, "dataset=segments") == trained
    problem = refusal(service.get(f"/generate?checkpoint={trained}&dataset=mnist"), 422)
    assert "is of segments, not of mnist" in places(problem)["parameter", "dataset"]


def test_a_checkpoint_that_retention_removed_gets_no_name(service: Service) -> None:
    claim = service.claim()
    gone = service.keep_checkpoint(claim, 2)
    known = service.given.catalogue.find(gone)
    service.keep_checkpoint(claim, 4)
    service.given.jobs.retire_checkpoints(claim, 4)
    refusal(service.client.put("/aliases/mine", json={"checkpoint": gone}), 422)
    with pytest.raises(CheckpointNotFoundError):  # it went while the name was being given
        service.given.catalogue.set_alias("mine", known)
