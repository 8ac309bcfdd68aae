"""The leaderboard and the studies as pages."""

import re
from html import escape, unescape

import pytest

from app.teaching.zoo_results import read_zoo_results
from checkpoints.library import DEFAULT_CHECKPOINT, PRETRAINED
from metrics import find_metric, metrics
from store.states import Failed, Succeeded
from tests.app.problems import refusal
from tests.app.service import Service
from tests.app.test_leaderboard import finish
from tests.app.test_studies import create, train_next
from tests.app.zoo import CONDITIONAL, UNCONDITIONAL, ship


def rows(page: str, section: str = "trainings") -> list[str]:
    """Return the rows of a table's body."""
    table = page[page.index(f'<h2 id="{section}">') :]
    return re.findall(r"<tr>(.*?)</tr>", table[table.index("<tbody>") : table.index("</tbody>")], re.DOTALL)


def jobs(page: str) -> list[str]:
    return [re.findall(r'href="/watch/(\w+)"', row)[0] for row in rows(page)]


def test_the_page_ranks_as_the_leaderboard_does(service: Service) -> None:
    worse = finish(service, {"fd": 3.0, "fd_floor": 0.25, "coverage": 0.9})
    better = finish(service, {"fd": 2.0, "fd_floor": 0.25, "coverage": 0.1})
    page = service.get("/ranking?dataset=segments").text
    assert jobs(page) == [better, worse]
    assert '<td class="number">2 <small title="what as many real pictures have">0.25</small></td>' in page
    assert f'href="/?checkpoint={better}-1"' in page
    assert f"/generate?checkpoint={better}-1" in page
    source = unescape(re.findall(r'href="(/leaderboard[^"]*)"', page)[0])
    assert [one["job_id"] for one in service.get(source).json()["items"]] == [better, worse]


def test_the_links_of_the_head_sort(service: Service) -> None:
    first = finish(service, {"fd": 3.0, "coverage": 0.9})
    second = finish(service, {"fd": 2.0, "coverage": 0.1})
    page = service.get("/ranking?dataset=segments").text
    found = re.findall(r'<a href="([^"]+)" title="[^"]+">([^<]+)</a>', page)
    links = {text: unescape(href) for href, text in found}
    by_coverage = service.get(links["coverage"]).text
    assert jobs(by_coverage) == [first, second]
    assert 'aria-sort="descending"><a href="/ranking?dataset=segments&amp;metric=coverage"' in by_coverage
    assert set(jobs(service.get(links["time"]).text)) == {first, second}
    assert 'aria-sort="ascending"' in service.get(links["pictures seen"]).text
    assert len(re.findall("aria-sort", page)) == 1


def test_a_family_alone_can_be_shown_and_all_again(service: Service) -> None:
    finish(service, {"fd": 3.0})
    page = service.get("/ranking?dataset=segments&family=wgan").text
    assert "No training on segments of wgan has ended" in " ".join(page.split())
    assert 'href="/ranking?dataset=segments">show all' in page


def test_the_zoo_stands_below_sorted_by_the_same_metric(gallery: Service) -> None:
    results = read_zoo_results()
    page = gallery.get("/ranking?metric=recall").text
    shown = [re.findall(r'href="/learn/(\w+)"', row)[0] for row in rows(page, "zoo")]
    assert len(shown) == len(results.trainings)
    best = max(results.trainings, key=lambda one: one.metrics["recall"])
    assert shown[0] == best.family
    assert 'id="zoo"' not in gallery.get("/ranking?dataset=ring").text
    only = rows(gallery.get("/ranking?family=ebgan").text, "zoo")
    assert len(only) == len(results.of("ebgan"))


def test_what_ships_stands_apart_with_every_metric_that_is_known_of_it(service: Service) -> None:
    known = service.given.catalogue.find(CONDITIONAL)
    page = service.get("/ranking?dataset=segments").text
    ships = page[page.index('<h2 id="ships">') :]
    assert "10,000 drawn pictures, the trainings above on 1,000" in " ".join(ships.split())
    assert re.findall(r'<h3><a href="/\?checkpoint=([^"]+)">', ships) == [
        service.id_of(name) for name in sorted((CONDITIONAL, UNCONDITIONAL))
    ]
    assert f"/generate?checkpoint={known.id}" in ships
    assert "Its pictures were not measured" in ships
    assert page.count("<h3>") == 2
    of_family = service.get(f"/ranking?dataset=segments&family={known.family}").text
    assert of_family.count("<h3>") == 1
    assert 'id="ships"' not in service.get("/ranking?dataset=segments&family=wgan").text


def test_every_figure_of_what_ships_stands_beside_its_floor(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    ship(monkeypatch, {DEFAULT_CHECKPOINT: PRETRAINED / DEFAULT_CHECKPOINT})
    found = rows(service.get("/ranking").text, "ships")
    (listed,) = service.get("/leaderboard").json()["unranked"]
    measured = {name: value for name, value in listed["metrics"].items() if not name.endswith("_floor")}
    assert len(found) == len(measured) >= 15
    for name, value in measured.items():
        title, floor = find_metric(name).title, listed["metrics"][f"{name}_floor"]
        told = f'>{title}</th><td class="number">{value:.4g}</td><td class="number">{floor:.4g}</td>'
        assert any(told in row for row in found), name


@pytest.mark.parametrize(
    ("query", "name"), [("dataset=nothing", "nothing"), ("metric=beauty", "beauty"), ("family=nobody", "nobody")]
)
def test_what_is_unknown_is_refused(gallery: Service, query: str, name: str) -> None:
    response = gallery.get(f"/ranking?{query}")
    assert response.status_code == 422
    assert name in response.json()["detail"]


# --- Studies ------------------------------------------------------------------------------------------------------


def test_studies_are_listed_in_parts(service: Service) -> None:
    assert "None yet" in service.get("/ranking/studies").text
    ids = [create(service, name=f"study {number}")["id"] for number in range(3)]
    page = service.get("/ranking/studies?limit=2").text
    assert re.findall(r'href="/ranking/studies/(\w+)"', page) == [ids[2], ids[1]]
    assert "0 of 4" in page
    following = unescape(re.findall(r'href="(/ranking/studies\?[^"]+)" rel="next"', page)[0])
    rest = service.get(following).text
    assert re.findall(r'href="/ranking/studies/(\w+)"', rest) == [ids[0]]
    assert 'href="/ranking/studies" rel="first"' in rest


def test_a_study_shows_the_distribution_the_failures_and_the_progress(service: Service) -> None:
    study = create(service, name="<first>")["id"]
    train_next(service, 1.0, 4.0)
    train_next(service, 3.0, fails=True)
    page = service.get(f"/ranking/studies/{study}").text
    assert "&lt;first&gt;" in page
    assert '<progress max="4" value="2"' in page
    assert "failed</span>: a loss is nan" in page
    assert f'src="/studies/{study}/plot.svg?metric=fd&amp;value=final" width="960" height="196"' in page
    assert 'viewBox="0 0 960 196"' in service.get(f"/studies/{study}/plot.svg").text
    lsgan, wgan = rows(page, "distributions")
    assert '<td class="number">4</td>' in lsgan
    assert "draw 0" in lsgan
    assert "–" in wgan
    assert '<tr class="floor"><th scope="row">real pictures</th>' in page
    best = service.get(f"/ranking/studies/{study}?value=best").text
    assert '<td class="number">1</td>' in rows(best, "distributions")[0]


def test_an_unknown_study_is_refused(gallery: Service) -> None:
    refusal(gallery.get("/ranking/studies/none"), 404)


def test_a_job_that_was_lost_is_no_row(service: Service) -> None:
    claim = service.claim()
    service.settle(claim, Failed({"type": "test", "detail": "before any checkpoint"}))
    other = service.claim()
    service.keep_checkpoint(other, 1, fd=1.0)
    service.settle(other, Succeeded())
    assert jobs(service.get("/ranking?dataset=segments").text) == [other.job.id]


def test_the_page_says_what_every_metric_measures(gallery: Service) -> None:
    told = gallery.get("/ranking").text.partition('<h2 id="metrics">')[2]
    for metric in metrics().values():
        assert f'<dt id="{metric.name}">{escape(metric.title)}</dt>' in told
        assert escape(metric.description.partition(" ")[0]) in told
